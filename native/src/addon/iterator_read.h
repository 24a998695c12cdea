// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <napi.h>

#include "../libbpf/failure.h"
#include "../libbpf/unique_fd.h"

namespace lorikeet {

using MakeErrorFunction = Napi::Object (*)(Napi::Env, const Failure &);

/// Reads an iterator to its end on a thread of libuv's pool. Returns a promise of a Buffer.
Napi::Value StartIteratorRead(Napi::Env env, UniqueFd fd, const std::string &program, MakeErrorFunction make_error);

} // namespace lorikeet
