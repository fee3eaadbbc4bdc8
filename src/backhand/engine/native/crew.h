// Two phases a step, shared out without barriers.
//
// A phase is a number of pieces. The owner takes pieces from the front, helpers take them from the back, and the owner
// waits only for pieces that a helper has begun: a helper that the machine has put aside costs nothing. What a piece
// works on is its own, so the results are the same bits whoever does it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <system_error>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

// Numbers too small to be normal count as 0 while one of these lives: they are slow, and nothing is learnt from them.
class FlushTiny {
#if defined(__x86_64__) || defined(__i386__)
    unsigned before = _mm_getcsr();
public:
    FlushTiny() { _mm_setcsr(before | 0x8040); }
    ~FlushTiny() { _mm_setcsr(before); }
#elif defined(__aarch64__)
    uint64_t before;
public:
    FlushTiny() {
        __asm__ volatile("mrs %0, fpcr" : "=r"(before));
        __asm__ volatile("msr fpcr, %0" ::"r"(before | (1u << 24)));
    }
    ~FlushTiny() { __asm__ volatile("msr fpcr, %0" ::"r"(before)); }
#endif
};

// Threads that are waited for when this ends, however it ends: as many as the machine gives, at most `count`.
class Helpers {
    std::vector<std::thread> threads_;

public:
    template <class F> Helpers(int count, F work) {
        try {
            for (int i = 0; i < count; i++) threads_.emplace_back(work, i);
        } catch (const std::system_error&) {  // the work is shared out among fewer
        }
    }
    Helpers(const Helpers&) = delete;
    ~Helpers() {
        for (auto& thread : threads_) thread.join();
    }
};

class Crew {
public:
    using Piece = std::function<void(int phase_kind, int piece)>;

    Crew(int threads, Piece work) : work_(std::move(work)) {
#if defined(__linux__)
        owners_core_ = sched_getcpu();
#endif
        try {
            for (int i = 1; i < threads; i++) helpers_.emplace_back([this] { help(); });
        } catch (const std::system_error&) {  // fewer helpers, then
        }
    }
    ~Crew() {
        stop_.store(true);
        for (auto& helper : helpers_) helper.join();
    }

    // Works all pieces of a phase of one kind (0 to 3), alone if so told; they are done when it returns.
    void phase(int kind, int pieces, bool alone) {
        if (alone || helpers_.empty()) {
            for (int i = 0; i < pieces; i++) work_(kind, i);
            return;
        }
        done_.store(0, std::memory_order_relaxed);
        number_ = (number_ + 1) & 0x3fffffff;
        ticket_.store(uint64_t(number_) << 34 | uint64_t(kind) << 32 | uint64_t(pieces) << 16, std::memory_order_release);
        int piece;
        while ((piece = grab(number_, false)) >= 0) {
            work_(kind, piece);
            done_.fetch_add(1, std::memory_order_acq_rel);
        }
        for (int waited = 0; done_.load(std::memory_order_acquire) < pieces;) rest(waited);
    }

    static constexpr int MOST_PIECES = 65535;

private:
    // A ticket: the phase's number, its kind, one past the last piece that is left, the first piece that is left.
    int grab(uint32_t number, bool from_back) {
        uint64_t ticket = ticket_.load(std::memory_order_acquire);
        for (;;) {
            const int first = int(ticket & 0xffff), end = int(ticket >> 16 & 0xffff);
            if (uint32_t(ticket >> 34) != number || first >= end) return -1;
            const uint64_t left = from_back ? ticket - (uint64_t(1) << 16) : ticket + 1;
            if (ticket_.compare_exchange_weak(ticket, left, std::memory_order_acq_rel, std::memory_order_acquire))
                return from_back ? end - 1 : first;
        }
    }
    static constexpr int SPINS = 20000, YIELDS = 200;
    static void rest(int& waited) {
        if (++waited > SPINS) {
            std::this_thread::yield();
            return;
        }
#if defined(__x86_64__) || defined(__i386__)
        _mm_pause();
#elif defined(__aarch64__)
        __asm__ volatile("yield");
#endif
    }
    // A new thread may be set on its owner's core, where both wait for each other until the kernel moves one of them.
    void leave_owners_core() {
#if defined(__linux__)
        cpu_set_t cores;
        if (owners_core_ < 0 || sched_getaffinity(0, sizeof cores, &cores) != 0) return;
        CPU_CLR(owners_core_, &cores);
        if (CPU_COUNT(&cores) > 0) sched_setaffinity(0, sizeof cores, &cores);
#endif
    }
    void help() {
        leave_owners_core();
        FlushTiny flushed;
        uint32_t seen = 0;
        int waited = 0;
        while (!stop_.load(std::memory_order_relaxed)) {
            const uint64_t ticket = ticket_.load(std::memory_order_acquire);
            const uint32_t number = uint32_t(ticket >> 34);
            if (number == seen) {
                rest(waited);
                if (waited > SPINS + YIELDS) std::this_thread::sleep_for(std::chrono::microseconds(50));
                continue;
            }
            waited = 0;
            int piece;
            while ((piece = grab(number, true)) >= 0) {
                work_(int(ticket >> 32 & 3), piece);
                done_.fetch_add(1, std::memory_order_acq_rel);
            }
            seen = number;
        }
    }

    Piece work_;
    std::vector<std::thread> helpers_;
    uint32_t number_ = 0;
    int owners_core_ = -1;
    alignas(64) std::atomic<uint64_t> ticket_{0};
    alignas(64) std::atomic<int> done_{0};
    alignas(64) std::atomic<bool> stop_{false};
};

// Whether helpers pay, found by timing steps with and without them: a machine may give a second core late or far from
// the first one's memory, and does so for seconds at a time. The results are the same bits either way.
class Pace {
    using Clock = std::chrono::steady_clock;
    static constexpr double LEAST_SECONDS = 1e-3, LONG_STEP = 2e-2, CLEARLY = 0.95;
    static constexpr int LEAST_STEPS = 3, SOON = 4, LATE = 512;

    bool alone_ = false, on_trial_ = false;
    int wait_ = SOON, blocks_ = 0, steps_ = 0;
    double usual_ = 0;  // seconds of a step, as it was lately
    Clock::time_point since_;

public:
    // Before the first of some steps.
    void begin() { steps_ = 0; }
    bool alone() const { return alone_ != on_trial_; }
    // After each step. Steps are timed in blocks, the first of each left out, which may find its memory with the other
    // core. The other way is tried the later, the more often it was slower, and never where a step is long.
    void step() {
        if (++steps_ <= 1) {
            since_ = Clock::now();
            return;
        }
        const double seconds = std::chrono::duration<double>(Clock::now() - since_).count();
        if (seconds < LEAST_SECONDS || steps_ <= LEAST_STEPS) return;
        const double took = seconds / (steps_ - 1);
        if (!on_trial_) {
            usual_ = took;
            on_trial_ = ++blocks_ >= wait_ && (alone_ || took < LONG_STEP);
        } else {
            on_trial_ = false, blocks_ = 0;
            if (took < usual_ * CLEARLY) {
                alone_ = !alone_, wait_ = SOON;
            } else if (wait_ < LATE) {
                wait_ *= 2;
            }
        }
        steps_ = 0;
    }
};
