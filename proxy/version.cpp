// See version.h.
#include "proxy/version.h"

#include "conf/pattern.h"
#include "mpm/cpu_budget.h"
#include "mpm/loop/loop.h"
#include "proxy/net/tls_context.h"
#include "proxy/net/tls_kernel.h"
#include "upstream/resolver.h"

namespace headgate::proxy {

std::string version_text() {
    return "Headgate/" HEADGATE_VERSION;
}

std::string full_version_text() {
    const mpm::CpuBudget budget = mpm::cpu_budget();
    return version_text() + "\ncompiler    " __VERSION__ "\nlibraries   " +
           loop::Loop::library_version() + ", " + upstream::Resolver::library_version() + ", " +
           conf::Pattern::library_version() + ", " + net::tls_library_version() + "\nkernel TLS  " +
           net::kernel_tls_text() + "\nmodels      prefork, worker, event\nCPUs        " +
           std::to_string(budget.cpus) + " (" + budget.reason + ")\n";
}

}  // namespace headgate::proxy
