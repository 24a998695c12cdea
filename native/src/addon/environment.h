// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <set>

#include <napi.h>

#include "../libbpf/failure.h"

namespace lorikeet {

class NativeObject;

/// One for each environment: the main thread and every worker that loads the addon.
struct Environment {
    Napi::FunctionReference error_class;
    /// Shared with the objects, which may be finalized after the environment.
    std::shared_ptr<std::set<NativeObject *>> open =
        std::shared_ptr<std::set<NativeObject *>>(new std::set<NativeObject *>());
};

/// A BpfError of index.ts; empty if its constructor threw.
Napi::Object MakeError(Napi::Env env, const Failure &failure);

/// Sets the pending JavaScript exception.
void Throw(Napi::Env env, const Failure &failure);

} // namespace lorikeet
