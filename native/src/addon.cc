// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cerrno>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <bpf/bpf.h>
#include <napi.h>

#include "bpf_object.h"
#include "capabilities.h"
#include "failure.h"
#include "iterator_read.h"
#include "map_rows.h"

// Arguments are checked by index.ts. A method that fails sets the pending JavaScript exception and returns.
namespace lorikeet {
namespace {

class NativeObject;

/// One for each environment: the main thread and every worker that loads the addon.
struct Environment {
    Napi::FunctionReference error_class;
    /// Shared with the objects, which may be finalized after the environment.
    std::shared_ptr<std::set<NativeObject *>> open = std::make_shared<std::set<NativeObject *>>();
};

Napi::Object MakeError(Napi::Env env, const Failure &failure) {
    const Napi::Value log =
        failure.verifier_log.empty() ? env.Undefined() : Napi::String::New(env, failure.verifier_log);
    return env.GetInstanceData<Environment>()->error_class.New({Napi::String::New(env, failure.message),
                                                                Napi::String::New(env, failure.code),
                                                                Napi::String::New(env, ErrnoName(failure.error)), log});
}

void Throw(Napi::Env env, const Failure &failure) {
    const Napi::Object error = MakeError(env, failure);
    // Empty if the constructor threw; that is pending then.
    if (!error.IsEmpty())
        Napi::Error(env, error).ThrowAsJavaScriptException();
}

std::vector<std::string> ToStrings(const Napi::Array &array) {
    std::vector<std::string> strings;
    for (uint32_t i = 0; i < array.Length(); i++)
        strings.push_back(array.Get(i).As<Napi::String>());
    return strings;
}

OpenOptions ToOptions(const Napi::Array &max_entries, const Napi::Array &constants, const Napi::Array &disabled,
                      const Napi::Array &enabled) {
    OpenOptions options;
    options.disabled = ToStrings(disabled);
    options.enabled = ToStrings(enabled);
    for (uint32_t i = 0; i < max_entries.Length(); i++) {
        const auto pair = max_entries.Get(i).As<Napi::Array>();
        options.max_entries.emplace_back(pair.Get(0U).As<Napi::String>(),
                                         pair.Get(1U).As<Napi::Number>().Uint32Value());
    }
    for (uint32_t i = 0; i < constants.Length(); i++) {
        const auto pair = constants.Get(i).As<Napi::Array>();
        const auto value = pair.Get(1U).As<Napi::BigInt>();
        bool fits_signed = false;
        bool fits_unsigned = false;
        const int64_t as_signed = value.Int64Value(&fits_signed);
        const uint64_t as_unsigned = value.Uint64Value(&fits_unsigned);
        const bool negative = !fits_unsigned;
        options.constants.push_back(
            {pair.Get(0U).As<Napi::String>(), negative ? static_cast<uint64_t>(as_signed) : as_unsigned, negative});
    }
    return options;
}

class NativeObject : public Napi::ObjectWrap<NativeObject> {
  public:
    static Napi::Function Define(Napi::Env env) {
        return DefineClass(env, "BpfObject",
                           {
                               InstanceMethod<&NativeObject::Programs>("programs"),
                               InstanceMethod<&NativeObject::Refused>("refused"),
                               InstanceMethod<&NativeObject::Attach>("attach"),
                               InstanceMethod<&NativeObject::Detach>("detach"),
                               InstanceMethod<&NativeObject::Run>("run"),
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

    explicit NativeObject(const Napi::CallbackInfo &info)
        : ObjectWrap(info), open_(info.Env().GetInstanceData<Environment>()->open) {
        const std::string path = info[0].As<Napi::String>();
        const OpenOptions options = ToOptions(info[1].As<Napi::Array>(), info[2].As<Napi::Array>(),
                                              info[3].As<Napi::Array>(), info[4].As<Napi::Array>());
        if (info.Env().IsExceptionPending())
            return;
        if (const Status failed = BpfObject::Open(path, options, object_)) {
            Throw(info.Env(), *failed);
            return;
        }
        open_->insert(this);
    }

    ~NativeObject() override {
        Release();
    }

    /// Detaches and frees everything; does nothing the second time.
    void Release() {
        object_.reset();
        open_->erase(this);
    }

  private:
    /// Whether the object is still open; throws BPF_CLOSED if not.
    bool IsOpen(Napi::Env env) const {
        if (!object_)
            Throw(env, {"BPF object is closed", "BPF_CLOSED", EBADF});
        return object_ != nullptr;
    }

    bpf_map *MapOf(const Napi::CallbackInfo &info) const {
        return object_->MapAt(info[0].As<Napi::Number>().Uint32Value());
    }

    static void ThrowMap(Napi::Env env, const bpf_map *map, int error) {
        Throw(env, {std::string("map ") + bpf_map__name(map) + ": " + ErrnoText(error), "BPF_MAP", error});
    }

    Napi::Value Programs(const Napi::CallbackInfo &info) {
        const Napi::Env env = info.Env();
        if (!IsOpen(env))
            return env.Undefined();
        const Napi::Array names = Napi::Array::New(env);
        for (const std::string &name : object_->Programs())
            names.Set(names.Length(), name);
        return names;
    }

    Napi::Value Refused(const Napi::CallbackInfo &info) {
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

    void Attach(const Napi::CallbackInfo &info) {
        if (!IsOpen(info.Env()))
            return;
        if (const Status failed = object_->Attach(info[0].As<Napi::String>(), info[1].As<Napi::String>()))
            Throw(info.Env(), *failed);
    }

    void Detach(const Napi::CallbackInfo &info) {
        if (IsOpen(info.Env()))
            object_->Detach(info[0].As<Napi::String>());
    }

    void Run(const Napi::CallbackInfo &info) {
        if (!IsOpen(info.Env()))
            return;
        if (const Status failed = object_->Run(info[0].As<Napi::String>()))
            Throw(info.Env(), *failed);
    }

    Napi::Value Map(const Napi::CallbackInfo &info) {
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

    Napi::Value ReadIterator(const Napi::CallbackInfo &info) {
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

    Napi::Value ProgramStatistics(const Napi::CallbackInfo &info) {
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

    Napi::Value Sums(const Napi::CallbackInfo &info) {
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

    Napi::Value Read(const Napi::CallbackInfo &info) {
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

    void Update(const Napi::CallbackInfo &info) {
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

    Napi::Value Delete(const Napi::CallbackInfo &info) {
        const Napi::Env env = info.Env();
        if (!IsOpen(env))
            return env.Undefined();
        const bpf_map *map = MapOf(info);
        const int error = -bpf_map_delete_elem(bpf_map__fd(map), info[1].As<Napi::Uint8Array>().Data());
        if (error != 0 && error != ENOENT)
            ThrowMap(env, map, error);
        return Napi::Boolean::New(env, error == 0);
    }

    void Close(const Napi::CallbackInfo &) {
        Release();
    }

    std::shared_ptr<std::set<NativeObject *>> open_;
    std::unique_ptr<BpfObject> object_;
};

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
        Throw(info.Env(), {"capabilities not dropped: " + ErrnoText(error), "CAPABILITIES", error});
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
