// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <set>

#include <napi.h>

#include "../libbpf/bpf_object.h"

namespace lorikeet {

/// The class `BpfObject` of the addon. Arguments are checked by index.ts; a method that fails sets the pending
/// JavaScript exception and returns.
class NativeObject : public Napi::ObjectWrap<NativeObject> {
  public:
    static Napi::Function Define(Napi::Env env);

    explicit NativeObject(const Napi::CallbackInfo &info);
    ~NativeObject() override;

    /// Detaches and frees everything. Idempotent.
    void Release();

  private:
    /// Returns true if the object is open; otherwise throws BPF_CLOSED.
    bool IsOpen(Napi::Env env) const;
    bpf_map *MapOf(const Napi::CallbackInfo &info) const;

    Napi::Value Programs(const Napi::CallbackInfo &info);
    Napi::Value Refused(const Napi::CallbackInfo &info);
    void Attach(const Napi::CallbackInfo &info);
    void Detach(const Napi::CallbackInfo &info);
    void Run(const Napi::CallbackInfo &info);
    Napi::Value Maps(const Napi::CallbackInfo &info);
    Napi::Value Map(const Napi::CallbackInfo &info);
    Napi::Value ReadIterator(const Napi::CallbackInfo &info);
    Napi::Value ProgramStatistics(const Napi::CallbackInfo &info);
    Napi::Value Sums(const Napi::CallbackInfo &info);
    Napi::Value Read(const Napi::CallbackInfo &info);
    void Update(const Napi::CallbackInfo &info);
    Napi::Value Delete(const Napi::CallbackInfo &info);
    void Close(const Napi::CallbackInfo &info);

    std::shared_ptr<std::set<NativeObject *>> open_;
    std::unique_ptr<BpfObject> object_;
};

} // namespace lorikeet
