#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "fuzz/targets.hpp"

/// The short deterministic form of fuzzing: every reader gets thousands of damaged inputs. The long one is
/// `scripts/fuzz` (libFuzzer with sanitizers); both use tests/fuzz/targets.cpp.
namespace haven::fuzz {
namespace {

constexpr std::uint64_t mutants = 2000;
constexpr unsigned seconds_per_reader = 120;  // far beyond what it takes: a hang
constexpr long most_memory_kb = 512L * 1024;

class Readers : public ::testing::TestWithParam<std::string> {};

/// In a child, so that a crash, a hang or a memory hog is a failure of this test and not of all.
TEST_P(Readers, SurviveThousandsOfDamagedFiles) {
  const Target& reader = target(GetParam());
  const auto seeds = reader.seeds();
  ASSERT_FALSE(seeds.empty());
  std::fflush(nullptr);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::alarm(seconds_per_reader);
    std::uint64_t number = 0;
    try {
      for (const std::string& seed : seeds) reader.run(seed);
      for (; number < mutants; ++number) reader.run(mutant(seeds[number % seeds.size()], reader, number));
    } catch (const std::exception& error) {
      std::fprintf(stderr, "mutant %llu: %s\n", static_cast<unsigned long long>(number), error.what());
      _exit(1);
    }
    _exit(0);
  }
  int status = 0;
  rusage usage{};
  ASSERT_EQ(wait4(child, &status, 0, &usage), child);
  ASSERT_TRUE(WIFEXITED(status)) << (WTERMSIG(status) == SIGALRM ? "hangs" : "killed by signal ") << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0) << "an error that is no answer to the user; see above";
#if !defined(__SANITIZE_ADDRESS__)  // which needs memory of its own
  EXPECT_LT(usage.ru_maxrss, most_memory_kb) << "kB of memory";
#endif
}

std::vector<std::string> names() {
  std::vector<std::string> result;
  for (const Target& entry : targets()) result.emplace_back(entry.name);
  return result;
}

INSTANTIATE_TEST_SUITE_P(All, Readers, ::testing::ValuesIn(names()),
                         [](const auto& parameter) { return parameter.param; });

TEST(Mutants, AreAFunctionOfTheirNumber) {
  const Target& reader = target("poscar");
  const std::string seed = reader.seeds().front();
  EXPECT_EQ(mutant(seed, reader, 7), mutant(seed, reader, 7));
  std::size_t changed = 0;
  for (std::uint64_t k = 0; k < 100; ++k) changed += mutant(seed, reader, k) != seed ? 1 : 0;
  EXPECT_GT(changed, 90U);
}

}  // namespace
}  // namespace haven::fuzz
