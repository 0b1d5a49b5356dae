2s/base/other/
