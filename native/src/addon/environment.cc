// SPDX-License-Identifier: MIT
#include "environment.h"

namespace lorikeet {

Napi::Object MakeError(Napi::Env env, const Failure &failure) {
    const Napi::Value log =
        failure.verifier_log.empty() ? env.Undefined() : Napi::String::New(env, failure.verifier_log);
    return env.GetInstanceData<Environment>()->error_class.New({Napi::String::New(env, failure.message),
                                                                Napi::String::New(env, failure.code),
                                                                Napi::String::New(env, ErrnoName(failure.error)), log});
}

void Throw(Napi::Env env, const Failure &failure) {
    const Napi::Object error = MakeError(env, failure);
    // Empty if the constructor threw; then its exception is pending.
    if (!error.IsEmpty())
        Napi::Error(env, error).ThrowAsJavaScriptException();
}

} // namespace lorikeet
