// Header and RequestHeader: each action on absent, present and repeated fields.
#include "proxy/site/field_edits.h"

#include <gtest/gtest.h>

namespace headgate::proxy {
namespace {

using Action = FieldEdit::Action;
using Condition = FieldEdit::Condition;

FieldEdit edit(Action action, std::string name, std::string value) {
    return {action, Condition::on_success, std::move(name), std::move(value), {}};
}

std::string lines(const OutgoingFields& fields) {
    std::string text;
    for (const OutgoingField& field : fields) {
        text += std::string(field.name) + ":" + std::string(field.text()) + ";";
    }
    return text;
}

struct Case {
    const char* name;
    std::vector<FieldEdit> edits;
    const char* expected;  // of "A:1;B:2;a:3;"
};

TEST(FieldEdits, table) {
    const Case cases[] = {
        {"nothing", {}, "A:1;B:2;a:3;"},
        {"set absent", {edit(Action::set, "C", "x")}, "A:1;B:2;a:3;C:x;"},
        {"set present", {edit(Action::set, "b", "x")}, "A:1;b:x;a:3;"},
        {"set repeated", {edit(Action::set, "a", "x")}, "a:x;B:2;"},
        {"add", {edit(Action::add, "B", "x")}, "A:1;B:2;a:3;B:x;"},
        {"append absent", {edit(Action::append, "C", "x")}, "A:1;B:2;a:3;C:x;"},
        {"append present", {edit(Action::append, "B", "x")}, "A:1;B:2, x;a:3;"},
        {"append twice",
         {edit(Action::append, "B", "x"), edit(Action::append, "b", "y")},
         "A:1;B:2, x, y;a:3;"},
        {"merge absent", {edit(Action::merge, "C", "x")}, "A:1;B:2;a:3;C:x;"},
        {"merge new", {edit(Action::merge, "B", "x")}, "A:1;B:2, x;a:3;"},
        {"merge there", {edit(Action::merge, "B", "2")}, "A:1;B:2;a:3;"},
        {"merge twice",
         {edit(Action::merge, "B", "x"), edit(Action::merge, "B", "x")},
         "A:1;B:2, x;a:3;"},
        {"set if empty, absent", {edit(Action::set_if_empty, "C", "x")}, "A:1;B:2;a:3;C:x;"},
        {"set if empty, present", {edit(Action::set_if_empty, "b", "x")}, "A:1;B:2;a:3;"},
        {"unset", {edit(Action::unset, "a", "")}, "B:2;"},
        {"unset absent", {edit(Action::unset, "C", "")}, "A:1;B:2;a:3;"},
        {"in order",
         {edit(Action::unset, "A", ""), edit(Action::set, "A", "x"),
          edit(Action::append, "A", "y")},
         "B:2;A:x, y;"},
    };
    for (const Case& each : cases) {
        OutgoingFields fields{{"A", "1", {}}, {"B", "2", {}}, {"a", "3", {}}};
        apply(each.edits, false, nullptr, fields);
        EXPECT_EQ(lines(fields), each.expected) << each.name;
    }
}

TEST(FieldEdits, values_of_an_earlier_edit_may_be_set_again) {
    OutgoingFields fields{{"A", "1", {}}};
    const std::vector<FieldEdit> edits{edit(Action::append, "A", "x"), edit(Action::set, "A", "")};
    apply(edits, false, nullptr, fields);
    EXPECT_EQ(lines(fields), "A:;");
}

TEST(FieldEdits, only_always_counts_for_answers_of_our_own) {
    std::vector<FieldEdit> edits{edit(Action::set, "A", "1"), edit(Action::set, "B", "2")};
    edits[1].condition = Condition::always;
    OutgoingFields answer;
    apply(edits, true, nullptr, answer);
    EXPECT_EQ(lines(answer), "B:2;");
    OutgoingFields response;
    apply(edits, false, nullptr, response);
    EXPECT_EQ(lines(response), "A:1;B:2;");
}

}  // namespace
}  // namespace headgate::proxy
