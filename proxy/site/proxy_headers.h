// What the virtual hosts of an address say about PROXY headers, taken together: a header comes
// before any name, so there is one answer for all of them.
#pragma once

#include "proxy/site/site.h"

namespace headgate::proxy {

/// Says what a site's settings do not say themselves, where they are written: `own`, in the section
/// of that site.
void check_proxy_headers(const Site& site, const ProxyHeaderSettings& own,
                         conf::Diagnostics& diagnostics);

/// Sets `proxy_header`: as in Apache, where one virtual host of an address wants headers, all have
/// them. Those that say different things about it are errors, and so is what would have both sides
/// of a plain tunnel wait for each other. After `reads_hello` is known.
void agree_on_proxy_headers(Sites::Candidates& candidates, const Site& main,
                            conf::Diagnostics& diagnostics);

}  // namespace headgate::proxy
