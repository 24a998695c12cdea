// SPDX-License-Identifier: MIT
#include "iterator_read.h"

#include <cerrno>
#include <cstdint>
#include <utility>
#include <vector>

namespace lorikeet {
namespace {

/// The kernel fills at most eight pages in a call.
constexpr size_t kChunk = 64 * 1024;

class IteratorRead : public Napi::AsyncWorker {
  public:
    IteratorRead(Napi::Env env, UniqueFd fd, std::string program, MakeErrorFunction make_error)
        : AsyncWorker(env, "lorikeet:iterator"), fd_(std::move(fd)), program_(std::move(program)),
          make_error_(make_error), deferred_(env) {
    }

    Napi::Promise Promise() const {
        return deferred_.Promise();
    }

    void Execute() override {
        for (size_t length = 0;;) {
            bytes_.resize(length + kChunk);
            const ssize_t count = read(fd_.get(), bytes_.data() + length, kChunk);
            // EAGAIN: the iterator visited a million objects without output, and there are more.
            if (count < 0 && errno != EAGAIN && errno != EINTR) {
                error_ = errno;
                return;
            }
            length += count > 0 ? count : 0;
            if (count == 0) {
                bytes_.resize(length);
                return;
            }
        }
    }

    void OnOK() override {
        if (error_ == 0) {
            deferred_.Resolve(Napi::Buffer<uint8_t>::Copy(Env(), bytes_.data(), bytes_.size()));
            return;
        }
        deferred_.Reject(
            make_error_(Env(), {"iterator " + program_ + ": " + ErrnoText(error_), "BPF_ITERATOR", error_}));
    }

  private:
    UniqueFd fd_;
    std::string program_;
    MakeErrorFunction make_error_;
    Napi::Promise::Deferred deferred_;
    std::vector<uint8_t> bytes_;
    int error_ = 0;
};

} // namespace

Napi::Value StartIteratorRead(Napi::Env env, UniqueFd fd, const std::string &program, MakeErrorFunction make_error) {
    auto *work = new IteratorRead(env, std::move(fd), program, make_error);
    const Napi::Promise promise = work->Promise();
    // It deletes itself when it has finished.
    work->Queue();
    return promise;
}

} // namespace lorikeet
