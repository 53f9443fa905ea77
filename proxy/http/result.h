// A value, or the reason why there is none: the result type of this folder.
//
// boost::system::result with our own error type. Test it, then use `*` or `->` (unchecked) and
// `error()`. value() would throw; it is refused at compile time.
#pragma once

#include "proxy/http/head_error.h"

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>

namespace headgate::http {

template <class T>
using Result = boost::system::result<T, HeadError>;

/// Found by result<T, HeadError>::value(); deleted, since no exception is thrown on the data path.
void throw_exception_from_error(const HeadError&, const boost::source_location&) = delete;

}  // namespace headgate::http
