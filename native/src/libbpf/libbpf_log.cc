// SPDX-License-Identifier: MIT
#include "libbpf_log.h"

#include <cstdarg>
#include <cstdio>

#include <bpf/libbpf.h>

namespace lorikeet {
namespace {

thread_local std::string *current_text = nullptr;

int Print(enum libbpf_print_level level, const char *format, va_list arguments) {
    if (level != LIBBPF_WARN || current_text == nullptr)
        return 0;
    va_list again;
    va_copy(again, arguments);
    const int length = vsnprintf(nullptr, 0, format, again);
    va_end(again);
    if (length <= 0)
        return 0;
    const size_t end = current_text->size();
    // One byte more for vsnprintf's terminator, removed afterwards.
    current_text->resize(end + length + 1);
    vsnprintf(current_text->data() + end, length + 1, format, arguments);
    current_text->resize(end + length);
    return length;
}

} // namespace

LibbpfLog::LibbpfLog() : outer_(current_text) {
    // Once. std::call_once() needs glibc 2.34 where it was compiled for it.
    [[maybe_unused]] static const libbpf_print_fn_t before = libbpf_set_print(Print);
    current_text = &text_;
}

LibbpfLog::~LibbpfLog() {
    current_text = outer_;
}

std::string LibbpfLog::FirstWarning() const {
    const std::string prefix = "libbpf: ";
    const size_t begin = text_.compare(0, prefix.size(), prefix) == 0 ? prefix.size() : 0;
    return text_.substr(begin, text_.find('\n', begin) - begin);
}

std::string LibbpfLog::LastProgram() const {
    const std::string mark = "libbpf: prog '";
    const size_t found = text_.rfind(mark);
    if (found == std::string::npos)
        return "";
    const size_t begin = found + mark.size();
    return text_.substr(begin, text_.find('\'', begin) - begin);
}

} // namespace lorikeet
