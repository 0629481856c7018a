#pragma once
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <functional>
#include <string>
#include <vector>

#include "support/imported_models.hpp"
#include "support/io_examples.hpp"
#include "support/structures.hpp"

/// What the tests of damaged model files start from, and what reading one may cost (T56).
namespace haven::testing {

struct NamedModel {
  std::string name;
  Model model;
};
inline void PrintTo(const NamedModel& named, std::ostream* out) { *out << named.name; }

inline Model example_committee() {
  Model model = example_model();
  for (ModelElement& element : model.elements) element.committee = {element.network, element.network};
  return model;
}

/// Models of every kind, one with a committee and some with a repulsive wall.
inline std::vector<NamedModel> models_of_every_kind() {
  return {{"example", example_model()},
          {"committee", example_committee()},
          {"n2p2", made_up_n2p2()},
          {"n2p2_compact", made_up_n2p2_compact()},
          {"nep", made_up_nep_zbl()},
          {"aenet", made_up_aenet()},
          {"pair_table", made_up_pair_table()},
          {"moment", random_model({})},
          {"moment_wall", random_model({.elements = {3, 16}, .wall_range = 1.6})},
          {"behler_parrinello", random_model({.kind = "behler-parrinello"})},
          {"deeppot_se", random_model({.kind = "deeppot-se", .elements = {3, 16}})},
          {"deeppot_se_r", random_model({.kind = "deeppot-se-r", .elements = {3, 16}})}};
}

/// While one exists, 3 s of its processor end the process with a signal.
class TimeLimit {
 public:
  TimeLimit() { set(3); }
  ~TimeLimit() { set(0); }
  TimeLimit(const TimeLimit&) = delete;
  TimeLimit& operator=(const TimeLimit&) = delete;

 private:
  static void set(long seconds) {
    const itimerval limit{.it_interval = {.tv_sec = 0, .tv_usec = 0}, .it_value = {.tv_sec = seconds, .tv_usec = 0}};
    setitimer(ITIMER_PROF, &limit, nullptr);
  }
};

/// Runs the body in a process of its own, which has to survive it, without a failed expectation, in 256 MB of memory.
inline void expect_within_limits(const std::function<void()>& body) {
  std::fflush(nullptr);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    try {
      body();
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
    std::fflush(nullptr);
    _exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  rusage usage{};
  ASSERT_EQ(wait4(child, &status, 0, &usage), child);
  ASSERT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0) << "see the failures above";
#ifndef __SANITIZE_ADDRESS__  // which needs memory of its own
  EXPECT_LT(usage.ru_maxrss, 256 * 1024) << "kB of memory";
#endif
}

}  // namespace haven::testing
