{
  "targets": [
    {
      "target_name": "lorikeet_native",
      "sources": [
        "src/addon.cc",
        "src/arguments.cc",
        "src/bpf_object.cc",
        "src/capabilities.cc",
        "src/environment.cc",
        "src/failure.cc",
        "src/kernel_hooks.cc",
        "src/kernel_refusals.cc",
        "src/iterator_read.cc",
        "src/libbpf_log.cc",
        "src/map_rows.cc",
        "src/native_object.cc",
        "src/open_options.cc",
        "src/static_archives.cc"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": [
        "NAPI_VERSION=8",
        "NAPI_DISABLE_CPP_EXCEPTIONS",
        "NODE_ADDON_API_DISABLE_DEPRECATED",
        # The worker thread of an iterator read may be terminated before the read ends.
        "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"
      ],
      "cflags": ["-Wall", "-Wextra", "-Werror", "-fvisibility=hidden"],
      "ldflags": [
        # Static, so that the addon runs without installed libbpf and libelf. Symbols are bound locally and hidden, because
        # another addon in the process may have another libbpf.
        "-Wl,-Bsymbolic",
        # See src/static_archives.cc.
        "-Wl,--wrap=stderr",
        # See src/kernel_refusals.h.
        "-Wl,--wrap=bpf_prog_load,--wrap=bpf_map_create",
        "-Wl,--exclude-libs,ALL",
        "-Wl,-z,relro,-z,now"
      ],
      "libraries": ["-l:libbpf.a", "-l:libelf.a", "-l:libz.a"]
    }
  ]
}
