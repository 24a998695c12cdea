// SPDX-License-Identifier: MIT
#include "open_options.h"

#include <cerrno>
#include <cstring>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

namespace lorikeet {
namespace {

constexpr char kRodata[] = ".rodata";

Failure Invalid(int error, const std::string &what) {
    return {what, "BPF_OPEN", error};
}

/// Location of a variable in .rodata; nullptr if there is none of that name.
const btf_var_secinfo *FindVariable(const btf *types, const std::string &name) {
    const int section = btf__find_by_name_kind(types, kRodata, BTF_KIND_DATASEC);
    if (section < 0)
        return nullptr;
    const btf_type *type = btf__type_by_id(types, section);
    const btf_var_secinfo *variables = btf_var_secinfos(type);
    for (int i = 0; i < btf_vlen(type); i++) {
        const btf_type *variable = btf__type_by_id(types, variables[i].type);
        if (name == btf__name_by_offset(types, variable->name_off))
            return &variables[i];
    }
    return nullptr;
}

bool Fits(const Constant &constant, size_t size) {
    if (size >= sizeof(constant.bits))
        return true;
    const unsigned width = size * 8;
    if (constant.negative)
        return static_cast<int64_t>(constant.bits) >= -(int64_t{1} << (width - 1));
    return constant.bits >> width == 0;
}

template <typename Integer> void Store(void *target, uint64_t bits) {
    const auto value = static_cast<Integer>(bits);
    std::memcpy(target, &value, sizeof(value));
}

/// True if an integer has this size in bytes.
bool StoreSized(void *target, uint64_t bits, size_t size) {
    switch (size) {
    case 1:
        Store<uint8_t>(target, bits);
        return true;
    case 2:
        Store<uint16_t>(target, bits);
        return true;
    case 4:
        Store<uint32_t>(target, bits);
        return true;
    case 8:
        Store<uint64_t>(target, bits);
        return true;
    default:
        return false;
    }
}

Status Disable(bpf_object *object, const std::vector<std::string> &programs) {
    for (const std::string &name : programs) {
        bpf_program *program = bpf_object__find_program_by_name(object, name.c_str());
        if (program == nullptr)
            return Invalid(ENOENT, "disabled: no program " + name);
        bpf_program__set_autoload(program, false);
    }
    return {};
}

Status SetConstant(bpf_object *object, const Constant &constant) {
    const btf *types = bpf_object__btf(object);
    const btf_var_secinfo *variable = types != nullptr ? FindVariable(types, constant.name) : nullptr;
    if (variable == nullptr)
        return Invalid(ENOENT, "constants: no tunable " + constant.name);
    if (!Fits(constant, variable->size))
        return Invalid(ERANGE,
                       "constants." + constant.name + ": more than " + std::to_string(variable->size * 8) + " bits");
    size_t size = 0;
    const bpf_map *rodata = bpf_object__find_map_by_name(object, kRodata);
    // The memory is writable until the object is loaded; later versions of libbpf return it as a pointer to const.
    auto *bytes =
        static_cast<uint8_t *>(const_cast<void *>(bpf_map__initial_value(const_cast<bpf_map *>(rodata), &size)));
    if (bytes == nullptr || variable->offset + variable->size > size)
        return Invalid(EINVAL, "constants." + constant.name + ": outside of .rodata");
    if (!StoreSized(bytes + variable->offset, constant.bits, variable->size))
        return Invalid(EINVAL, "constants." + constant.name + ": not an integer");
    return {};
}

} // namespace

Status Configure(bpf_object *object, const OpenOptions &options) {
    for (const auto &[name, entries] : options.max_entries) {
        bpf_map *map = bpf_object__find_map_by_name(object, name.c_str());
        if (map == nullptr)
            return Invalid(ENOENT, "maxEntries: no map " + name);
        if (const int error = -bpf_map__set_max_entries(map, entries))
            return Invalid(error, "maxEntries." + name + ": " + ErrnoText(error));
    }
    for (const Constant &constant : options.constants) {
        if (Status failed = SetConstant(object, constant))
            return failed;
    }
    return Disable(object, options.disabled);
}

} // namespace lorikeet
