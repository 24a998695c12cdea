{
  "targets": [
    {
      "target_name": "lorikeet_memory",
      "sources": ["src/addon.cc", "src/allocator.cc", "src/program_pages.cc"],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=8", "NAPI_DISABLE_CPP_EXCEPTIONS", "NODE_ADDON_API_DISABLE_DEPRECATED"],
      "cflags": ["-Wall", "-Wextra", "-Werror", "-fvisibility=hidden"],
      "ldflags": ["-Wl,-z,relro,-z,now"]
    }
  ]
}
