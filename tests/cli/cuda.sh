#!/bin/bash
# The CUDA build: every kernel for every architecture, none of which spills; the seam without a GPU.
. "$(dirname "$0")/lib.sh"
build=${BUILD:-build}

# fatbin_archs LOG: the architectures that ptxas compiled for.
fatbin_archs() {
    sed -n "s/.*Compiling entry function .* for '\(sm_[0-9a-z]*\)'.*/\1/p" "$1" | sort -u | tr '\n' ' '
}

# kernels LOG ARCH: how many entry functions.
kernels() {
    grep -c "Compiling entry function .* for '$2'" "$1"
}

logs=$(ls "$build"/backends/cuda/kernels/*.cu.o.log 2>/dev/null)
if [ -z "$logs" ]; then
    skip cuda__kernels "built without CUDA"
else
    archs=$(tr ' ' '\n' <"$build/flags-cuda" | sed -n 's/.*code=\(sm_[0-9a-z]*\).*/\1/p' | sort -u)
    plain=$(printf '%s\n' $archs | grep -v a$)
    for source in backends/cuda/kernels/*.cu; do
        name=$(basename "$source" .cu)
        log=$build/$source.o.log
        check "cuda__${name}__compiled" test -s "$build/$source.o"
        case $name in
        wgmma_*) wanted=$(printf '%s\n' $archs | grep '^sm_90a$') ;;
        *) wanted=$plain ;;
        esac
        for arch in $wanted; do
            check "cuda__${name}__has_kernels_for_$arch" test "$(kernels "$log" "$arch")" -gt 0
        done
        [ -n "$wanted" ] || { skip "cuda__$name" "built without sm_90a"; continue; }
        check "cuda__${name}__no_other_archs" test "$(fatbin_archs "$log")" = "$(echo $wanted) "
        check "cuda__${name}__no_register_spills" test -z "$(grep 'bytes spill' "$log" | grep -v ' 0 bytes spill stores, 0 bytes spill loads')"
        check "cuda__${name}__wgmma_not_serialised" test -z "$(grep -i 'serialized' "$log")"
    done
    # 8 without a turn, 3 more turns of each half tile, times two producers.
    for type in f16:16 bf16:16 s8:4 u8s8:4; do
        [ "$(printf '%s\n' $archs | grep -c '^sm_90a$')" = 0 ] && continue
        check "cuda__wgmma_${type%:*}__all_variants" test \
            "$(kernels "$build/backends/cuda/kernels/wgmma_${type%:*}.cu.o.log" sm_90a)" = "${type#*:}"
    done
fi

finish
