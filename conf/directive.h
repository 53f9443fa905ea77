// Rows: what each directive is called, where it may stand, how many arguments it takes and what it
// sets. A layer owns the rows of the settings it uses; this file knows none of them.
#pragma once

#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "conf/diagnostic.h"
#include "conf/scope.h"
#include "conf/settings.h"
#include "conf/tree.h"
#include "conf/value.h"

namespace headgate::conf {

struct Row;

/// Contexts, one bit each, as Apache's documentation names them.
enum Contexts : unsigned {
    in_server = 1,        ///< "server config"
    in_virtual_host = 2,  ///< inside <VirtualHost>
    in_location = 4,      ///< inside <Location> and <LocationMatch>
    in_proxy = 8,         ///< inside <Proxy>
    /// Not a place but a promise: where it may stand it also has an effect on connections of which
    /// nothing is understood, those of a virtual host with TunnelTo.
    on_tunnels = 16,
    /// Nor this: of the virtual hosts of one address it has an effect in the first alone, for it is
    /// about connections that have not said yet which one they mean.
    of_first_host = 32,
};

/// A directive as a setter sees it: arity and context are already checked. Lives for the call only.
struct Call {
    const Directive& directive;
    const Row& row;
    Scope& scope;
    Diagnostics& diagnostics;

    const std::vector<Word>& arguments() const { return directive.arguments; }
    const Word& argument(std::size_t index) const { return directive.arguments[index]; }
    bool has_argument(std::size_t index) const { return index < directive.arguments.size(); }

    /// An error about one word.
    void error(const Word& word, std::string message, std::string hint = "") const;
    /// "X: not yet": known, and refused until it works.
    void not_yet(const Word& word, std::string_view what, std::string hint = "") const;
    /// `"abc" is not a value for Timeout`, with what was expected.
    void wrong_value(const Word& word, std::string_view expected) const;
};

/// One directive. Made by row(), rule() and alias() below; tables are arrays of these.
struct Row {
    using Setter = void (*)(Settings&, const Call&);
    static constexpr unsigned unlimited = std::numeric_limits<unsigned>::max();

    std::string_view name;
    unsigned contexts = 0;
    unsigned min_arguments = 0;
    unsigned max_arguments = 0;
    Setter setter = nullptr;
    std::string_view syntax;        ///< what follows the name, as in "On|Off"
    std::string_view default_text;  ///< "" for none
    std::string_view help;
    std::string_view alias_of;  ///< the name to use instead; "" for most
};

using RowTables = std::vector<std::span<const Row>>;

/// How many arguments a rule takes.
struct Arity {
    unsigned least;
    unsigned most;
};

namespace detail {

template <class M>
struct MemberOf;
template <class T, class V>
struct MemberOf<V T::*> {
    using Owner = T;
};

template <class F>
struct FirstArgument;
template <class T>
struct FirstArgument<void (*)(T&, const Call&)> {
    using Owner = T;
};

template <auto member, auto parser>
void set_member(Settings& settings, const Call& call) {
    const Word& word = call.argument(0);
    auto parsed = parser(word.text);
    if (!parsed.value) {
        call.wrong_value(word, parsed.expected);
        return;
    }
    using Owner = typename MemberOf<decltype(member)>::Owner;
    (settings.edit<Owner>().*member).write(std::move(*parsed.value), word.span);
}

template <auto function>
void call_rule(Settings& settings, const Call& call) {
    using Owner = typename FirstArgument<decltype(function)>::Owner;
    function(settings.edit<Owner>(), call);
}

}  // namespace detail

/// A directive of one argument that writes one Set<V> member through a parser:
///     row<&Server::timeout, duration_seconds>("Timeout", in_server, "seconds", "60", "...")
template <auto member, auto parser>
constexpr Row row(std::string_view name, unsigned contexts, std::string_view syntax,
                  std::string_view default_text, std::string_view help) {
    return {name,   contexts,     1,    1, &detail::set_member<member, parser>,
            syntax, default_text, help, {}};
}

/// Any other directive: a function `void f(T& settings, const Call&)`.
template <auto function>
// NOLINTNEXTLINE(readability-function-size): one parameter for each column of the table
constexpr Row rule(std::string_view name, unsigned contexts, Arity arity, std::string_view syntax,
                   std::string_view default_text, std::string_view help) {
    return {name,   contexts,     arity.least, arity.most, &detail::call_rule<function>,
            syntax, default_text, help,        {}};
}

/// An old name of a row, still accepted.
constexpr Row alias(std::string_view old_name, Row row) {
    row.alias_of = row.name;
    row.name = old_name;
    return row;
}

/// The row of a name in any case; null when no table has it.
const Row* find_row(const RowTables& tables, std::string_view name);

}  // namespace headgate::conf
