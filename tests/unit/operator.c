#include "core/operator.h"

#include <string.h>

#include "tests/model/match_case.h"
#include "tests/test.h"

TEST(op_table__names__are_unique_and_found)
{
    for (size_t i = 0; i < op_count; i++) {
        CHECK(op_find(op_table[i].name) == &op_table[i]);
        CHECK_STR(op_table[i].name, op_names()[i]);
    }
    CHECK(op_find("conv4d") == NULL);
}

TEST(op_table__every_row__binds_with_all_roles)
{
    for (size_t i = 0; i < op_count; i++) {
        struct expr e;
        match_op_cube(op_table[i].name, 3, &e);
        for (size_t t = 0; t < e.iter_count; t++) {
            if (e.iters[t].role == ROLE_NONE)
                test_fail(__FILE__, __LINE__, "%s: %s has no role", op_table[i].name,
                          e.iters[t].name);
        }
        CHECK(op_table[i].operand_count >= 1 && op_table[i].operand_count < e.tensor_count);
        CHECK(op_table[i].passes >= 1);
        /* MACs only where products are summed. */
        CHECK(!op_kind_has_macs(op_table[i].kind) || e.combine == EXPR_MUL_ADD);
    }
}

/* Sliding windows and products: MACs are the product of all extents, in the roles of the table. */
TEST(op_table__roles__gemm_is_p_k_c)
{
    struct expr e;
    match_op("gemm", "m=5 n=7 k=11", &e);
    CHECK_INT(5, expr_role_extent(&e, ROLE_P));
    CHECK_INT(7, expr_role_extent(&e, ROLE_K));
    CHECK_INT(11, expr_role_extent(&e, ROLE_C));
    match_op("batched_gemm", "b=3 m=5 n=7 k=11", &e);
    CHECK_INT(3, expr_role_extent(&e, ROLE_G));
    match_op("conv3d", "n=1 k=2 d=3 p=4 q=5 c=6 t=2 r=3 s=1", &e);
    CHECK_INT(12, expr_role_extent(&e, ROLE_P));
    CHECK_INT(6, expr_role_extent(&e, ROLE_R));
    match_op("depthwise_conv2d", "n=1 g=32 p=4 q=5 r=3 s=3", &e);
    CHECK_INT(32, expr_role_extent(&e, ROLE_G));
    CHECK_INT(1, expr_role_extent(&e, ROLE_K));
    CHECK_INT(OP_DEPTHWISE, op_find("depthwise_conv2d")->kind);
}

TEST(op_bind__defaults__are_overridden)
{
    struct expr e;
    match_op("dilated_conv2d", "n=1 k=1 c=1 p=4 q=4 r=3 s=3 dw=3", &e);
    CHECK_INT(3 + 2 * 2 + 1, e.tensors[1].dims[2].extent); /* dh = 2 */
    CHECK_INT(3 + 2 * 3 + 1, e.tensors[1].dims[3].extent);
    match_op("gemv", "n=8 k=4", &e);
    CHECK_INT(1, expr_role_extent(&e, ROLE_P));
    match_op("gemv", "m=8 n=1 k=4", &e);
    CHECK_INT(8, expr_role_extent(&e, ROLE_P));
}

TEST(op_bind__upsample__repeats_every_element)
{
    struct expr e;
    match_op("upsample", "k=1 p=2 q=3 u=2 v=2", &e);
    /* Output element (p·2+u, q·2+v) of a 4 x 6 map, at n k p u q v. */
    CHECK_INT((1 * 2 + 1) * 6 + 2 * 2 + 1, expr_offset(&e, 0, (int64_t[]){ 0, 0, 1, 1, 2, 1 }));
    CHECK_INT(1 * 3 + 2, expr_offset(&e, 1, (int64_t[]){ 0, 0, 1, 1, 2, 1 }));
}

TEST(op_bind__wrong_numbers__are_named)
{
    struct expr e;
    struct err missing = ERR_INIT, unknown = ERR_INIT, parameter = ERR_INIT, extent = ERR_INIT,
               zero = ERR_INIT;
    const struct op_row *gemm = op_find("gemm"), *conv = op_find("conv1d");
    struct expr_binding m = { "m", 4, true };
    CHECK_INT(ERR_REFERENCE, op_bind(gemm, &m, 1, &e, &missing));
    CHECK_STR("gemm needs an extent for n k", missing.text);
    struct expr_binding typo[] = { { "m", 4, true }, { "o", 4, true } };
    CHECK_INT(ERR_REFERENCE, op_bind(gemm, typo, 2, &e, &unknown));
    CHECK(strstr(unknown.text, "gemm has no iteration 'o'") == unknown.text);
    struct expr_binding stride = { "sH", 4, false };
    CHECK_INT(ERR_REFERENCE, op_bind(conv, &stride, 1, &e, &parameter));
    CHECK_STR("conv1d has no parameter 'sH'; did you mean 'sh'?", parameter.text);
    struct expr_binding as_extent = { "sh", 4, true };
    CHECK_INT(ERR_REFERENCE, op_bind(conv, &as_extent, 1, &e, &extent));
    struct expr_binding none[] = { { "m", 4, true }, { "n", 0, true }, { "k", 4, true } };
    CHECK_INT(ERR_RANGE, op_bind(gemm, none, 3, &e, &zero));
    CHECK_STR("expected an extent of 1..2147483648 for iteration 'n', got 0", zero.text);
}

TEST(op_kind__names__in_order)
{
    CHECK_STR("conv", op_kind_names[OP_CONV]);
    CHECK_STR("depthwise", op_kind_names[OP_DEPTHWISE]);
    CHECK_STR("movement", op_kind_names[OP_MOVEMENT]);
    CHECK(op_kind_has_macs(OP_GEMM) && !op_kind_has_macs(OP_POOL));
}
