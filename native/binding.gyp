{
  "targets": [
    {
      "target_name": "lorikeet_native",
      "sources": [
        "src/addon/addon.cc",
        "src/addon/arguments.cc",
        "src/addon/capabilities.cc",
        "src/addon/environment.cc",
        "src/addon/iterator_read.cc",
        "src/addon/native_object.cc",
        "src/addon/older_libraries.cc",
        "src/libbpf/bpf_object.cc",
        "src/libbpf/bpf_object_load.cc",
        "src/libbpf/failure.cc",
        "src/libbpf/kernel_hooks.cc",
        "src/libbpf/kernel_refusals.cc",
        "src/libbpf/libbpf_log.cc",
        "src/libbpf/map_rows.cc",
        "src/libbpf/open_options.cc",
        "src/libbpf/static_archives.cc"
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
        # See src/libbpf/static_archives.cc.
        "-Wl,--wrap=stderr",
        # See src/libbpf/kernel_refusals.h.
        "-Wl,--wrap=bpf_prog_load,--wrap=bpf_map_create",
        "-Wl,--exclude-libs,ALL",
        "-Wl,-z,relro,-z,now"
      ],
      "libraries": ["-l:libbpf.a", "-l:libelf.a", "-l:libz.a"]
    }
  ]
}
