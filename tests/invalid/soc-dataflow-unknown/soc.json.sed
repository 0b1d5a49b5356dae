s/"nvdla-ws"/"nvdla-os"/
