// SPDX-License-Identifier: MIT
#include "native_object.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include <bpf/bpf.h>

#include "arguments.h"
#include "environment.h"
#include "iterator_read.h"
#include "../libbpf/map_rows.h"

namespace lorikeet {
namespace {

void ThrowMap(Napi::Env env, const bpf_map *map, int error) {
    Throw(env, {std::string("map ") + bpf_map__name(map) + ": " + ErrnoText(error), "BPF_MAP", error});
}

Napi::Array ToArray(Napi::Env env, const std::vector<std::string> &names) {
    const Napi::Array array = Napi::Array::New(env);
    for (const std::string &name : names)
        array.Set(array.Length(), name);
    return array;
}

} // namespace

Napi::Function NativeObject::Define(Napi::Env env) {
    return DefineClass(env, "BpfObject",
                       {
                           InstanceMethod<&NativeObject::Programs>("programs"),
                           InstanceMethod<&NativeObject::Refused>("refused"),
                           InstanceMethod<&NativeObject::Attach>("attach"),
                           InstanceMethod<&NativeObject::Detach>("detach"),
                           InstanceMethod<&NativeObject::Run>("run"),
                           InstanceMethod<&NativeObject::Maps>("maps"),
                           InstanceMethod<&NativeObject::Map>("map"),
                           InstanceMethod<&NativeObject::ReadIterator>("readIterator"),
                           InstanceMethod<&NativeObject::ProgramStatistics>("programStats"),
                           InstanceMethod<&NativeObject::Sums>("readSums"),
                           InstanceMethod<&NativeObject::Read>("read"),
                           InstanceMethod<&NativeObject::Update>("update"),
                           InstanceMethod<&NativeObject::Delete>("delete"),
                           InstanceMethod<&NativeObject::Close>("close"),
                       });
}

NativeObject::NativeObject(const Napi::CallbackInfo &info)
    : ObjectWrap(info), open_(info.Env().GetInstanceData<Environment>()->open) {
    const std::string path = info[0].As<Napi::String>();
    const OpenOptions options =
        ToOptions(info[1].As<Napi::Array>(), info[2].As<Napi::Array>(), info[3].As<Napi::Array>());
    if (info.Env().IsExceptionPending())
        return;
    if (const Status failed = BpfObject::Open(path, options, object_)) {
        Throw(info.Env(), *failed);
        return;
    }
    open_->insert(this);
}

NativeObject::~NativeObject() {
    Release();
}

void NativeObject::Release() {
    object_.reset();
    open_->erase(this);
}

bool NativeObject::IsOpen(Napi::Env env) const {
    if (!object_)
        Throw(env, {"BPF object is closed", "BPF_CLOSED", EBADF});
    return object_ != nullptr;
}

bpf_map *NativeObject::MapOf(const Napi::CallbackInfo &info) const {
    return object_->MapAt(info[0].As<Napi::Number>().Uint32Value());
}

Napi::Value NativeObject::Programs(const Napi::CallbackInfo &info) {
    const Napi::Env env = info.Env();
    if (!IsOpen(env))
        return env.Undefined();
    return ToArray(env, object_->Programs());
}

Napi::Value NativeObject::Refused(const Napi::CallbackInfo &info) {
    const Napi::Env env = info.Env();
    if (!IsOpen(env))
        return env.Undefined();
    const Napi::Array pairs = Napi::Array::New(env);
    for (const RefusedProgram &refused : object_->Refused()) {
        const Napi::Array pair = Napi::Array::New(env, 2);
        pair.Set(0U, refused.name);
        pair.Set(1U, MakeError(env, refused.failure));
        pairs.Set(pairs.Length(), pair);
    }
    return pairs;
}

void NativeObject::Attach(const Napi::CallbackInfo &info) {
    if (!IsOpen(info.Env()))
        return;
    if (const Status failed = object_->Attach(info[0].As<Napi::String>()))
        Throw(info.Env(), *failed);
}

void NativeObject::Detach(const Napi::CallbackInfo &info) {
    if (IsOpen(info.Env()))
        object_->Detach(info[0].As<Napi::String>());
}

void NativeObject::Run(const Napi::CallbackInfo &info) {
    if (!IsOpen(info.Env()))
        return;
    if (const Status failed = object_->Run(info[0].As<Napi::String>()))
        Throw(info.Env(), *failed);
}

Napi::Value NativeObject::Maps(const Napi::CallbackInfo &info) {
    const Napi::Env env = info.Env();
    if (!IsOpen(env))
        return env.Undefined();
    return ToArray(env, object_->Maps());
}

Napi::Value NativeObject::Map(const Napi::CallbackInfo &info) {
    const Napi::Env env = info.Env();
    if (!IsOpen(env))
        return env.Undefined();
    size_t index = 0;
    if (const Status failed = object_->FindMap(info[0].As<Napi::String>(), index)) {
        Throw(env, *failed);
        return env.Undefined();
    }
    const bpf_map *map = object_->MapAt(index);
    Napi::Object described = Napi::Object::New(env);
    described["index"] = Napi::Number::New(env, static_cast<double>(index));
    described["keySize"] = Napi::Number::New(env, bpf_map__key_size(map));
    described["valueSize"] = Napi::Number::New(env, bpf_map__value_size(map));
    described["capacity"] = Napi::Number::New(env, bpf_map__max_entries(map));
    return described;
}

Napi::Value NativeObject::ReadIterator(const Napi::CallbackInfo &info) {
    const Napi::Env env = info.Env();
    if (!IsOpen(env))
        return env.Undefined();
    const std::string program = info[0].As<Napi::String>();
    UniqueFd fd;
    if (const Status failed = object_->OpenIterator(program, fd)) {
        Throw(env, *failed);
        return env.Undefined();
    }
    return StartIteratorRead(env, std::move(fd), program, MakeError);
}

Napi::Value NativeObject::ProgramStatistics(const Napi::CallbackInfo &info) {
    const Napi::Env env = info.Env();
    if (!IsOpen(env))
        return env.Undefined();
    std::vector<ProgramStats> stats;
    if (const Status failed = object_->Stats(stats)) {
        Throw(env, *failed);
        return env.Undefined();
    }
    const Napi::Array rows = Napi::Array::New(env, stats.size());
    for (uint32_t i = 0; i < stats.size(); i++) {
        Napi::Object row = Napi::Object::New(env);
        row["name"] = Napi::String::New(env, stats[i].name);
        row["runCount"] = Napi::Number::New(env, static_cast<double>(stats[i].run_count));
        row["runTimeNs"] = Napi::Number::New(env, static_cast<double>(stats[i].run_time_ns));
        row["verifiedInstructions"] = Napi::Number::New(env, static_cast<double>(stats[i].verified_instructions));
        row["recursionMisses"] = Napi::Number::New(env, static_cast<double>(stats[i].recursion_misses));
        rows.Set(i, row);
    }
    return rows;
}

Napi::Value NativeObject::Sums(const Napi::CallbackInfo &info) {
    const Napi::Env env = info.Env();
    if (!IsOpen(env))
        return env.Undefined();
    const bpf_map *map = MapOf(info);
    Rows<double> rows;
    if (const int error = ReadSums(map, rows)) {
        ThrowMap(env, map, error);
        return env.Undefined();
    }
    auto words = Napi::Float64Array::New(env, rows.values.size());
    std::copy(rows.values.begin(), rows.values.end(), words.Data());
    Napi::Object result = Napi::Object::New(env);
    result["count"] = Napi::Number::New(env, static_cast<double>(rows.count));
    result["keys"] = Napi::Buffer<uint8_t>::Copy(env, rows.keys.data(), rows.keys.size());
    result["words"] = words;
    return result;
}

Napi::Value NativeObject::Read(const Napi::CallbackInfo &info) {
    const Napi::Env env = info.Env();
    if (!IsOpen(env))
        return env.Undefined();
    const bpf_map *map = MapOf(info);
    Rows<uint8_t> rows;
    if (const int error = ReadPlain(map, rows)) {
        ThrowMap(env, map, error);
        return env.Undefined();
    }
    Napi::Object result = Napi::Object::New(env);
    result["count"] = Napi::Number::New(env, static_cast<double>(rows.count));
    result["keys"] = Napi::Buffer<uint8_t>::Copy(env, rows.keys.data(), rows.keys.size());
    result["values"] = Napi::Buffer<uint8_t>::Copy(env, rows.values.data(), rows.values.size());
    return result;
}

void NativeObject::Update(const Napi::CallbackInfo &info) {
    if (!IsOpen(info.Env()))
        return;
    const bpf_map *map = MapOf(info);
    const auto key = info[1].As<Napi::Uint8Array>();
    const auto value = info[2].As<Napi::Uint8Array>();
    const int error =
        IsPerCpu(map) ? EINVAL : -bpf_map_update_elem(bpf_map__fd(map), key.Data(), value.Data(), BPF_ANY);
    if (error != 0)
        ThrowMap(info.Env(), map, error);
}

Napi::Value NativeObject::Delete(const Napi::CallbackInfo &info) {
    const Napi::Env env = info.Env();
    if (!IsOpen(env))
        return env.Undefined();
    const bpf_map *map = MapOf(info);
    const int error = -bpf_map_delete_elem(bpf_map__fd(map), info[1].As<Napi::Uint8Array>().Data());
    if (error != 0 && error != ENOENT)
        ThrowMap(env, map, error);
    return Napi::Boolean::New(env, error == 0);
}

void NativeObject::Close(const Napi::CallbackInfo &) {
    Release();
}

} // namespace lorikeet
