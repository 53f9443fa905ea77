// The values that a section holds: one struct per layer that owns directives, in a bag that knows
// none of them. Each struct has `void merge_from(const T& over)`, by which an inner section wins.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "conf/source.h"

namespace headgate::conf {

/// A value with a default, which knows whether and where it was written.
template <class T>
class Set {
public:
    using value_type = T;

    Set() = default;
    Set(T default_value) : value_(std::move(default_value)) {}

    const T& value() const { return value_; }
    const T& operator*() const { return value_; }
    const T* operator->() const { return &value_; }

    bool is_written() const { return is_written_; }
    /// Where it was written; nowhere for the default.
    const Span& span() const { return span_; }

    void write(T value, Span span = {}) {
        value_ = std::move(value);
        span_ = span;
        is_written_ = true;
    }

    /// Takes `over` if it was written.
    void merge_from(const Set& over) {
        if (over.is_written_) {
            *this = over;
        }
    }

private:
    T value_{};
    Span span_;
    bool is_written_ = false;
};

/// At most one T of each type. Copying copies the values.
class Settings {
public:
    Settings() = default;
    Settings(const Settings& other) { copy_from(other); }
    Settings(Settings&&) noexcept = default;
    Settings& operator=(const Settings& other) {
        if (this != &other) {
            entries_.clear();
            copy_from(other);
        }
        return *this;
    }
    Settings& operator=(Settings&&) noexcept = default;

    /// The T of this bag, made with its defaults when absent. Valid while the bag lives.
    template <class T>
    T& edit() {
        if (Entry* entry = find(key<T>())) {
            return static_cast<Holder<T>*>(entry)->value;
        }
        entries_.push_back(std::make_unique<Holder<T>>());
        return static_cast<Holder<T>*>(entries_.back().get())->value;
    }

    /// The T of this bag, or a default T that lives as long as the program.
    template <class T>
    const T& get() const {
        static const T absent{};
        const Entry* entry = find(key<T>());
        return entry != nullptr ? static_cast<const Holder<T>*>(entry)->value : absent;
    }

    /// Whether some T was edited: a directive of its own stands there.
    template <class T>
    bool has() const {
        return find(key<T>()) != nullptr;
    }

    /// What an inner section means inside an outer one.
    static Settings merge(const Settings& base, const Settings& over) {
        Settings merged = base;
        for (const auto& entry : over.entries_) {
            if (Entry* mine = merged.find(entry->key())) {
                mine->merge_from(*entry);
            } else {
                merged.entries_.push_back(entry->clone());
            }
        }
        return merged;
    }

private:
    struct Entry {
        virtual ~Entry() = default;
        virtual const void* key() const = 0;
        virtual std::unique_ptr<Entry> clone() const = 0;
        virtual void merge_from(const Entry& over) = 0;
    };

    template <class T>
    struct Holder final : Entry {
        T value{};

        const void* key() const override { return Settings::key<T>(); }
        std::unique_ptr<Entry> clone() const override { return std::make_unique<Holder>(*this); }
        void merge_from(const Entry& over) override {
            value.merge_from(static_cast<const Holder&>(over).value);
        }
    };

    /// An address per type: a type identity without RTTI.
    template <class T>
    static const void* key() {
        static const char identity = 0;
        return &identity;
    }

    Entry* find(const void* key) const {
        for (const auto& entry : entries_) {
            if (entry->key() == key) {
                return entry.get();
            }
        }
        return nullptr;
    }

    void copy_from(const Settings& other) {
        for (const auto& entry : other.entries_) {
            entries_.push_back(entry->clone());
        }
    }

    std::vector<std::unique_ptr<Entry>> entries_;
};

}  // namespace headgate::conf
