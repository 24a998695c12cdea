// SPDX-License-Identifier: MIT
#include <napi.h>

#include "allocator.h"
#include "program_pages.h"

// For process-memory.ts. Has no state for each environment, so worker threads may load it too.
namespace lorikeet {
namespace {

void KeepSmall(const Napi::CallbackInfo &) {
    KeepAllocatorSmall();
}

void Trim(const Napi::CallbackInfo &) {
    TrimAllocator();
}

Napi::Value ReleasePages(const Napi::CallbackInfo &info) {
    return Napi::Number::New(info.Env(), ReleaseProgramPages());
}

} // namespace
} // namespace lorikeet

static Napi::Object InitAddon(Napi::Env env, Napi::Object exports) {
    using namespace lorikeet;
    exports["keepAllocatorSmall"] = Napi::Function::New<KeepSmall>(env, "keepAllocatorSmall");
    exports["trimAllocator"] = Napi::Function::New<Trim>(env, "trimAllocator");
    exports["releaseProgramPages"] = Napi::Function::New<ReleasePages>(env, "releaseProgramPages");
    return exports;
}

NODE_API_MODULE(lorikeet_memory, InitAddon)
