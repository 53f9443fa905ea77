// `headgate healthcheck [URL]`: one GET, for containers whose image holds nothing else that could.
#pragma once

#include <string>

namespace headgate::proxy {

/// Whether the URL (http, a literal address or localhost) answers with a status below 500 within
/// `seconds`. `text` says what was seen. Blocks: for the command line only.
bool is_healthy(const std::string& url, int seconds, std::string& text);

}  // namespace headgate::proxy
