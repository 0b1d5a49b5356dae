#!/bin/bash
# The register tiles of AVX-512: their loops keep every sum in a register. A zmm register that goes
# to the stack halves the speed of a tile, and compilers do it without a word.
. "$(dirname "$0")/lib.sh"

folder=backends/cpu
common="-std=c11 -O2 -I. -mavx512f -mavx512bw -mavx512vl -mavx512dq -mprefer-vector-width=512"

# Without a frame pointer rbp is a register like others; where the stack is aligned it is below rbp.
stack='(\(%rsp|-0x[0-9a-f]+\(%rbp\))'

# no_stack OBJECT [COUNT PREFIX]: no instruction moves a zmm register from or to the stack, and there
# are that many such functions.
no_stack() {
    objdump -d --no-show-raw-insn "$1" >"$WORK/listing" || return
    ! grep -E "zmm[0-9]+.*$stack|$stack.*zmm" "$WORK/listing" || return
    local tiles
    tiles=$(grep -c "^[0-9a-f]* <${3:-tile_}.*>:" "$WORK/listing")
    echo "$tiles kernels"
    [ "$tiles" -ge "${2:-84}" ]
}

# loop_products OBJECT TILE COUNT: the tile has that many products, no more (no unrolling).
loop_products() {
    objdump -d --no-show-raw-insn "$1" | sed -n "/<$2>:/,/^\$/p" >"$WORK/tile"
    [ "$(grep -c "$4" "$WORK/tile")" = "$3" ]
}

# few_moves OBJECT TILE COUNT: no more zmm to zmm moves than the zeroes at its beginning.
few_moves() {
    objdump -d --no-show-raw-insn "$1" | sed -n "/<$2>:/,/^\$/p" >"$WORK/tile"
    [ "$(grep -c 'vmovdqa64 %zmm[0-9]*,%zmm' "$WORK/tile")" -le "$3" ]
}

if command -v objdump >/dev/null; then
    for compiler in gcc clang; do
        if ! command -v $compiler >/dev/null; then
            skip "kernels__${compiler}__no_zmm_on_the_stack" "no $compiler"
            continue
        fi
        rename=
        [ $compiler = gcc ] && rename=-frename-registers # as the Makefile has it
        for kind in vnni bf16; do
            object=$WORK/$compiler-$kind.o
            check "kernels__${compiler}_${kind}__compiles" \
                $compiler $common $rename -mavx512$kind -c -o "$object" $folder/kernel_avx512$kind.c
            check "kernels__${compiler}_${kind}__no_zmm_on_the_stack" no_stack "$object"
        done
        object=$WORK/$compiler-window.o
        check "kernels__${compiler}_window__compiles" \
            $compiler $common -mavx512vnni -c -o "$object" $folder/kernel_window_avx512vnni.c
        check "kernels__${compiler}_window__no_zmm_on_the_stack" no_stack "$object" 12 window_
        # all rows, twice, and all but the first or the last: 2 * 28 + 26 + 26
        check "kernels__${compiler}__14x2_has_108_products" \
            loop_products "$WORK/$compiler-vnni.o" tile_14x2_EVEN 108 vpdpbusd
        check "kernels__${compiler}__4x3_moves_no_sums" \
            few_moves "$WORK/$compiler-vnni.o" tile_4x3_EVEN 16
        check "kernels__${compiler}__6x4_has_24_products" \
            loop_products "$WORK/$compiler-bf16.o" tile_6x4_TABLE 24 vdpbf16ps
    done
    # The check can fail: a tile of too many sums goes to the stack.
    cat >"$WORK/spill.c" <<'END'
#include <immintrin.h>
void tile_bad(__m512i *p)
{
    __m512i a[40];
    for (int i = 0; i < 40; i++)
        a[i] = p[i];
    for (int r = 0; r < 9; r++)
        for (int i = 0; i < 40; i++)
            a[i] = _mm512_add_epi32(a[i], a[(i * 7 + r) % 40]);
    for (int i = 0; i < 40; i++)
        p[i] = a[i];
}
END
    gcc $common -c -o "$WORK/spill.o" "$WORK/spill.c" 2>"$WORK/spill.log"
    is_noticed() {
        ! no_stack "$1" && grep -qE "$stack.*zmm|zmm.*$stack" "$WORK/listing"
    }
    check kernels__spilling_tile__is_noticed is_noticed "$WORK/spill.o"
else
    skip kernels__no_zmm_on_the_stack "no objdump"
fi
finish
