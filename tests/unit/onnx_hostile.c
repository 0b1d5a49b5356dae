/* Files that mean harm: a clear error with exit status 3, little memory, no crash. */
#include <string.h>

#include "tests/test.h"
#include "tests/unit/onnx_file.h"

static enum err_code import_raw(const void *bytes, size_t count, char line[2048])
{
    struct text json = { 0 };
    struct err err = ERR_INIT;
    enum err_code rc = onnx_import_bytes("evil.onnx", bytes, count, NULL, &json, NULL, &err);
    text_release(&json);
    CHECK(rc == ERR_OK || err_exit_status(rc) == 3);
    err_format(&err, line, 2048);
    return rc;
}

static struct text small_model(void)
{
    struct text g = { 0 };
    onnx_file_input(&g, "x", F32, "1,3,8,8");
    onnx_file_weight(&g, "w", F32, "4,3,3,3");
    onnx_file_ints(&g, "flat", "1,-1");
    onnx_file_node(&g, "Conv", "", "conv", "x w", "y", "pads=1,1,1,1 kernel_shape=3,3");
    onnx_file_node(&g, "Reshape", "", "flatten", "y flat", "z", "");
    onnx_file_node(&g, "Softmax", "", "softmax", "z", "p", "axis=-1");
    onnx_file_output(&g, "p");
    return onnx_file_model(&g);
}

TEST(onnx__empty_file__is_an_error)
{
    char line[2048];
    CHECK_INT(ERR_SYNTAX, import_raw("", 0, line));
    CHECK(strstr(line, "empty"));
}

TEST(onnx__truncated_anywhere__is_an_error_or_less_of_the_model)
{
    struct text model = small_model();
    char line[2048];
    CHECK_INT(ERR_OK, import_raw(model.data, model.bytes, line));
    size_t failed = 0;
    for (size_t count = 0; count < model.bytes; count++)
        failed += import_raw(model.data, count, line) != ERR_OK;
    CHECK_INT(model.bytes, failed); /* the graph is the last field: no prefix is a model */
    text_release(&model);
}

TEST(onnx__any_byte_changed__never_crashes)
{
    struct text model = small_model();
    char line[2048];
    for (size_t at = 0; at < model.bytes; at++)
        for (int bit = 0; bit < 8; bit++) {
            model.data[at] = (char)(model.data[at] ^ 1 << bit);
            import_raw(model.data, model.bytes, line);
            model.data[at] = (char)(model.data[at] ^ 1 << bit);
        }
    text_release(&model);
}

TEST(onnx__length_past_the_end__is_an_error)
{
    char line[2048];
    /* Field 7 (graph) claims 100 bytes, 3 follow. */
    CHECK_INT(ERR_SYNTAX, import_raw("\x3a\x64\x0a\x01x", 5, line));
    CHECK(strstr(line, "longer than what it is in"));
    /* A 2 GiB claim. */
    CHECK_INT(ERR_SYNTAX, import_raw("\x3a\xff\xff\xff\xff\x07xxxx", 10, line));
    /* The same inside the graph: an initialiser that claims more than the graph. */
    CHECK_INT(ERR_SYNTAX, import_raw("\x3a\x06\x2a\xff\xff\xff\xff\x07", 8, line));
    CHECK_INT(ERR_SYNTAX,
              import_raw("\x3a\x0b\x2a\x09\x4a\xff\xff\xff\xff\xff\xff\xff\x7f", 13, line));
}

TEST(onnx__graphs_nested_3000_deep__is_an_error)
{
    struct text inner = { 0 };
    char line[2048];
    for (int depth = 0; depth < 3000; depth++) { /* graph { node { attribute { graph … */
        struct text attr = { 0 }, node = { 0 }, graph = { 0 };
        if (inner.bytes)
            onnx_file_message(&attr, 6, &inner);
        else
            onnx_file_str(&attr, 1, "g");
        onnx_file_message(&node, 5, &attr);
        onnx_file_message(&graph, 1, &node);
        inner = graph;
    }
    struct text model = onnx_file_model(&inner);
    CHECK_INT(ERR_LIMIT, import_raw(model.data, model.bytes, line));
    CHECK(strstr(line, "nested more than 64 deep"));
    text_release(&model);
}

TEST(onnx__text_file__is_an_error)
{
    char line[2048];
    const char *text = "{ \"socweave\": \"dnn/1\" }";
    CHECK(import_raw(text, strlen(text), line) != ERR_OK);
    CHECK(import_raw("\x08\x08", 2, line) != ERR_OK); /* a model without a graph */
    CHECK(strstr(line, "no graph"));
}

TEST(onnx__cycle__names_a_node)
{
    struct text g = { 0 };
    onnx_file_input(&g, "x", F32, "1,4");
    onnx_file_node(&g, "Add", "", "first", "x c", "a", "");
    onnx_file_node(&g, "Relu", "", "second", "a", "b", "");
    onnx_file_node(&g, "Relu", "", "third", "b", "c", "");
    const char *line = onnx_file_error(&g, NULL);
    CHECK(strstr(line, "wait for each other") && strstr(line, "CYCLE"));
}

TEST(onnx__node_that_reads_itself__is_a_cycle)
{
    struct text g = { 0 };
    onnx_file_node(&g, "Relu", "", "self", "a", "a", "");
    CHECK(strstr(onnx_file_error(&g, NULL), "node \"self\""));
}

TEST(onnx__names_made_twice__are_errors)
{
    struct text g = { 0 };
    onnx_file_input(&g, "x", F32, "1,4");
    onnx_file_node(&g, "Relu", "", "one", "x", "y", "");
    onnx_file_node(&g, "Tanh", "", "two", "x", "y", "");
    CHECK(strstr(onnx_file_error(&g, NULL), "DUPLICATE"));
    struct text h = { 0 };
    onnx_file_input(&h, "x", F32, "1,4");
    onnx_file_input(&h, "x", F32, "1,4");
    CHECK(strstr(onnx_file_error(&h, NULL), "DUPLICATE"));
    struct text i = { 0 };
    onnx_file_weight(&i, "w", F32, "4");
    onnx_file_weight(&i, "w", F32, "4");
    CHECK(strstr(onnx_file_error(&i, NULL), "DUPLICATE"));
}

TEST(onnx__input_that_nothing_makes__is_named)
{
    struct text g = { 0 };
    onnx_file_node(&g, "Relu", "", "relu", "ghost", "y", "");
    CHECK(strstr(onnx_file_error(&g, NULL), "it reads \"ghost\", which nothing makes"));
}

TEST(onnx__illegal_dimensions__are_errors)
{
    static const char *const shapes[] = { "1,-4", "3000000000,2", "-9223372036854775808",
                                          "2000000000,2000000000,2000000000", "1,1,1,1,1,1,1,1,1" };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct text g = { 0 };
        onnx_file_input(&g, "x", F32, shapes[i]);
        onnx_file_node(&g, "Relu", "", "relu", "x", "y", "");
        CHECK(strstr(onnx_file_error(&g, NULL), "\"x\""));
        struct text h = { 0 };
        onnx_file_input(&h, "x", F32, "4");
        onnx_file_weight(&h, "w", F32, shapes[i]);
        onnx_file_node(&h, "Add", "", "add", "x w", "y", "");
        CHECK(strstr(onnx_file_error(&h, NULL), "\"w\""));
    }
}

TEST(onnx__products_that_overflow__are_errors_of_their_node)
{
    struct text g = { 0 };
    onnx_file_input(&g, "a", F32, "1000000000,1");
    onnx_file_input(&g, "b", F32, "1,1000000000");
    onnx_file_node(&g, "MatMul", "", "one", "a b", "c", ""); /* 8e18 bytes: legal */
    onnx_file_ints(&g, "shape", "2000000000,2000000000,2000000000");
    onnx_file_node(&g, "Expand", "", "two", "c shape", "d", "");
    CHECK(strstr(onnx_file_error(&g, NULL), "node \"two\""));
}

TEST(onnx__attributes_out_of_range__are_errors_of_their_node)
{
    static const char *const attrs[] = {
        "strides=0,1",     "strides=-1,1",
        "dilations=0,0",   "pads=-1,0,0,0",
        "pads=1,1",        "group=0",
        "group=-3",        "group=9223372036854775807",
        "kernel_shape=0",  "pads=1,1,1,1,1,1,1",
        "strides=1,1,1,1", "dilations=9223372036854775807,1",
    };
    for (size_t i = 0; i < sizeof attrs / sizeof *attrs; i++) {
        struct text g = { 0 };
        if (!strncmp(attrs[i], "kernel", 6))
            continue; /* the weights say it */
        onnx_file_input(&g, "x", F32, "1,3,8,8");
        onnx_file_weight(&g, "w", F32, "4,3,3,3");
        onnx_file_node(&g, "Conv", "", "conv", "x w", "y", attrs[i]);
        CHECK(strstr(onnx_file_error(&g, NULL), "node \"conv\", operator Conv"));
    }
}

TEST(onnx__functions_that_call_each_other__are_stopped)
{
    struct text g = { 0 }, function = { 0 }, node = { 0 };
    char line[2048];
    onnx_file_input(&g, "x", F32, "1,4");
    onnx_file_node(&g, "Again", "mine", "call", "x", "y", "");
    struct text model = onnx_file_model(&g);
    onnx_file_str(&function, 1, "Again");
    onnx_file_str(&function, 4, "in");
    onnx_file_str(&function, 5, "out");
    onnx_file_str(&node, 1, "in");
    onnx_file_str(&node, 2, "out");
    onnx_file_str(&node, 4, "Again");
    onnx_file_str(&node, 7, "mine");
    onnx_file_message(&function, 7, &node);
    onnx_file_str(&function, 10, "mine");
    onnx_file_message(&model, 25, &function);
    CHECK_INT(ERR_LIMIT, import_raw(model.data, model.bytes, line));
    text_release(&model);
}

TEST(onnx__external_data__is_never_opened)
{
    struct text g = { 0 }, weight = { 0 }, entry = { 0 };
    char line[2048];
    onnx_file_input(&g, "x", F32, "1,16");
    onnx_file_int(&weight, 1, 16);
    onnx_file_int(&weight, 1, 4);
    onnx_file_int(&weight, 2, F32);
    onnx_file_str(&weight, 8, "w");
    onnx_file_str(&entry, 1, "location");
    onnx_file_str(&entry, 2, "../../../../etc/passwd");
    onnx_file_message(&weight, 13, &entry);
    onnx_file_int(&weight, 14, 1);
    onnx_file_message(&g, 5, &weight);
    onnx_file_node(&g, "MatMul", "", "fc", "x w", "y", "");
    struct text model = onnx_file_model(&g);
    CHECK_INT(ERR_OK, import_raw(model.data, model.bytes, line));
    text_release(&model);
}

TEST(onnx__contents_that_contradict_the_shape__are_errors)
{
    struct text g = { 0 }, weight = { 0 };
    onnx_file_input(&g, "x", F32, "1,16");
    onnx_file_int(&weight, 1, 4);
    onnx_file_int(&weight, 2, S64);
    onnx_file_str(&weight, 8, "w");
    onnx_file_bytes(&weight, 9, "12345", 5);
    onnx_file_message(&g, 5, &weight);
    onnx_file_node(&g, "Reshape", "", "r", "x w", "y", "");
    CHECK(strstr(onnx_file_error(&g, NULL), "not as long as its shape says"));
}
