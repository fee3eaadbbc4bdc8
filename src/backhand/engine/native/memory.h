// Memory for registers: aligned, all 0, large pieces on large pages.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#if defined(_WIN32)
#include <malloc.h>
#elif defined(__linux__)
#include <sys/mman.h>
#endif

class Memory {
    void* at_ = nullptr;

public:
    Memory() = default;
    explicit Memory(size_t bytes) {
        constexpr size_t page = size_t(2) << 20;
        const size_t unit = bytes >= page ? page : 64;
        bytes = (bytes + unit) / unit * unit;
#if defined(_WIN32)
        at_ = _aligned_malloc(bytes, unit);
#else
        if (posix_memalign(&at_, unit, bytes) != 0) at_ = nullptr;
#endif
        if (!at_) throw std::bad_alloc();
#if defined(__linux__)
        if (unit == page) madvise(at_, bytes, MADV_HUGEPAGE);
#endif
        memset(at_, 0, bytes);
    }
    Memory(Memory&& other) noexcept : at_(other.at_) { other.at_ = nullptr; }
    Memory& operator=(Memory&& other) noexcept {
        std::swap(at_, other.at_);
        return *this;
    }
    ~Memory() {
#if defined(_WIN32)
        _aligned_free(at_);
#else
        free(at_);
#endif
    }
    template <class T> T* as() const { return static_cast<T*>(at_); }
};
