// A connection model, as data: its name, its sizing rules, and which runner its threads have.
#pragma once

#include "mpm/sizing.h"

namespace headgate::mpm {

struct Model {
    ModelName name;
    const char* text;  // "prefork", "worker", "event"
    bool serves_many;  // the runner: many connections side by side, or one at a time
    Sizing (*size)(const Settings& settings, const FixedLimits& fixed);
    /// Buckets of listening sockets for a first start.
    unsigned (*buckets)(const Settings& settings, const Sizing& sizing);
};

extern const Model prefork_model;
extern const Model worker_model;
extern const Model event_model;

const Model& model_of(ModelName name);

}  // namespace headgate::mpm
