// SPDX-License-Identifier: MIT
#include <napi.h>

#include "capabilities.h"
#include "environment.h"
#include "../libbpf/failure.h"
#include "native_object.h"

namespace lorikeet {
namespace {

void CloseAll(Environment *environment) {
    // Release takes the object out of the set.
    while (!environment->open->empty())
        (*environment->open->begin())->Release();
}

void SetErrorClass(const Napi::CallbackInfo &info) {
    info.Env().GetInstanceData<Environment>()->error_class = Napi::Persistent(info[0].As<Napi::Function>());
}

void DropCapabilities(const Napi::CallbackInfo &info) {
    bool lossless = false;
    if (const int error = LimitCapabilities(info[0].As<Napi::BigInt>().Uint64Value(&lossless)))
        Throw(info.Env(), {"cannot drop capabilities: " + ErrnoText(error), "CAPABILITIES", error});
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
    auto *environment = new Environment();
    env.SetInstanceData(environment);
    env.AddCleanupHook(CloseAll, environment);
    exports["BpfObject"] = NativeObject::Define(env);
    exports["dropCapabilities"] = Napi::Function::New<DropCapabilities>(env, "dropCapabilities");
    exports["setErrorClass"] = Napi::Function::New<SetErrorClass>(env, "setErrorClass");
    return exports;
}

} // namespace
} // namespace lorikeet

static Napi::Object InitAddon(Napi::Env env, Napi::Object exports) {
    return lorikeet::Init(env, exports);
}

NODE_API_MODULE(lorikeet_native, InitAddon)
