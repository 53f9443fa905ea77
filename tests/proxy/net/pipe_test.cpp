// Pipes and their stock: what is lent, what comes back, and octets that keep their order.
#include "proxy/net/pipe.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "tests/support/scripted_transport.h"

namespace headgate::net {
namespace {

struct Pair {
    Pair() {
        int ends[2];
        HEADGATE_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
        near = loop::Socket(ends[0]);
        far = loop::Socket(ends[1]);
    }
    loop::Socket near;
    loop::Socket far;
};

TEST(Pipe, moves_octets_in_order_and_says_when_there_are_none) {
    PipeStock stock;
    const PipeLoan pipe = stock.lend();
    ASSERT_TRUE(pipe);
    Pair from;
    Pair to;
    Pipe::Moved moved = pipe->fill(from.far.descriptor(), 100);
    EXPECT_EQ(moved.octets, -1);
    EXPECT_EQ(moved.error, EAGAIN);
    ASSERT_EQ(::send(from.near.descriptor(), "abcdef", 6, 0), 6);
    EXPECT_EQ(pipe->fill(from.far.descriptor(), 4).octets, 4);
    EXPECT_EQ(pipe->held(), 4u);
    EXPECT_EQ(pipe->empty_into(to.near.descriptor()).octets, 4);
    EXPECT_TRUE(pipe->is_empty());
    EXPECT_EQ(pipe->fill(from.far.descriptor(), 4).octets, 2);
    char octets[8];
    EXPECT_EQ(pipe->read({octets, 1}).size(), 1u);
    EXPECT_EQ(octets[0], 'e');
    EXPECT_EQ(pipe->empty_into(to.near.descriptor()).octets, 1);
    EXPECT_EQ(::recv(to.far.descriptor(), octets, 8, 0), 5);
    EXPECT_EQ(std::string(octets, 5), "abcdf");
    from.near.close();
    EXPECT_EQ(pipe->fill(from.far.descriptor(), 4).octets, 0) << "the end of input";
}

TEST(Pipe, says_what_cannot_be_spliced) {
    PipeStock stock;
    const PipeLoan pipe = stock.lend();
    loop::Socket directory(::open("/", O_RDONLY | O_CLOEXEC));
    EXPECT_TRUE(cannot_splice(pipe->fill(directory.descriptor(), 10).error));
    EXPECT_FALSE(cannot_splice(EAGAIN));
    EXPECT_FALSE(cannot_splice(ECONNRESET));
    EXPECT_FALSE(cannot_splice(EPIPE));
}

TEST(PipeStock, lends_no_more_than_its_limit) {
    PipeStock stock(2);
    PipeLoan first = stock.lend();
    const PipeLoan second = stock.lend();
    EXPECT_TRUE(first && second);
    EXPECT_FALSE(stock.lend());
    EXPECT_EQ(stock.lent(), 2u);
    first.reset();
    EXPECT_EQ(stock.lent(), 1u);
    EXPECT_TRUE(stock.lend());
}

TEST(PipeStock, one_that_still_holds_octets_is_not_lent_again) {
    PipeStock stock;
    PipeLoan pipe = stock.lend();
    support::fill(*pipe, "of somebody else");
    pipe.reset();
    pipe = stock.lend();
    ASSERT_TRUE(pipe);
    char octet;
    EXPECT_TRUE(pipe->is_empty());
    support::fill(*pipe, "x");
    EXPECT_EQ(pipe->read({&octet, 1}).size(), 1u);
    EXPECT_EQ(octet, 'x');
}

TEST(PipeStock, does_without_when_descriptors_are_out) {
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit none{3, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    PipeStock stock;
    EXPECT_FALSE(stock.lend());
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_EQ(stock.lent(), 0u);
    EXPECT_FALSE(stock.lend()) << "not asked for again at once";
    for (int i = 0; i < 1000; i++)
        stock.lend();
    EXPECT_TRUE(stock.lend());
}

}  // namespace
}  // namespace headgate::net
