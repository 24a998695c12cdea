// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <unistd.h>

namespace lorikeet {

/// Owns a file descriptor, or none.
class UniqueFd {
  public:
    UniqueFd() = default;
    explicit UniqueFd(int fd) : fd_(fd) {
    }
    UniqueFd(UniqueFd &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {
    }
    UniqueFd &operator=(UniqueFd &&other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~UniqueFd() {
        if (fd_ >= 0)
            close(fd_);
    }

    int get() const {
        return fd_;
    }

  private:
    int fd_ = -1;
};

} // namespace lorikeet
