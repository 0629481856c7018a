#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

#include "io/cursor.hpp"

namespace haven {
namespace {

double one(std::string_view text) {
  Cursor cursor(text);
  const RealField field = cursor.real();
  EXPECT_EQ(field.state, FieldState::number) << text;
  cursor.skip_blanks();
  EXPECT_TRUE(cursor.at_end()) << text;
  return field.value;
}

FieldState state_of(std::string_view text) { return Cursor(text).real().state; }

TEST(Cursor, ReadsNumbersAsFortranWritesThem) {
  EXPECT_EQ(one("  1.5"), 1.5);
  EXPECT_EQ(one("-.133E+02"), -13.3);
  EXPECT_EQ(one("+0.25"), 0.25);
  EXPECT_EQ(one("1.0D-03"), 1e-3);
  EXPECT_EQ(one("0.5d+02"), 50.0);
  EXPECT_EQ(one("5."), 5.0);
  EXPECT_EQ(one("1E-05"), 1e-5);
  EXPECT_EQ(one("-7"), -7.0);
  EXPECT_EQ(one("0.12345678-103"), 0.12345678e-103);
  EXPECT_EQ(one("-0.125+101"), -0.125e101);
  EXPECT_EQ(one("1E-400"), 0.0);
}

/// Every number must be the double nearest to its text, whichever way it is read: compared with the C library, bit by
/// bit, for up to 20 digits with the point anywhere.
TEST(Cursor, ReadsEveryFixedPointNumberToItsNearestDouble) {
  std::mt19937_64 random(7);
  for (int k = 0; k < 200'000; ++k) {
    const std::size_t digits = 1 + random() % 20;
    std::string text = random() % 2 == 0 ? "-" : "";
    for (std::size_t d = 0; d < digits; ++d) text += static_cast<char>('0' + random() % 10);
    const std::size_t sign = text.size() - digits;
    text.insert(sign + random() % (digits + 1), ".");
    Cursor cursor(text);
    const RealField found = cursor.real();
    ASSERT_TRUE(found.ok()) << text;
    const double nearest = std::strtod(text.c_str(), nullptr);
    ASSERT_EQ(std::bit_cast<std::uint64_t>(found.value), std::bit_cast<std::uint64_t>(nearest)) << text;
    ASSERT_TRUE(cursor.at_end()) << text;
  }
}

TEST(Cursor, SeparatesNumbersThatTouch) {
  Cursor cursor("  9.9720-13.7153 17.1305-100.5");
  EXPECT_EQ(cursor.real().value, 9.9720);
  EXPECT_EQ(cursor.real().value, -13.7153);
  EXPECT_EQ(cursor.real().value, 17.1305);
  EXPECT_EQ(cursor.real().value, -100.5);
  EXPECT_EQ(cursor.real().state, FieldState::missing);
}

TEST(Cursor, TakesThreeDigitsBeforeAPointAsTheNextNumberNotAsAnExponent) {
  Cursor cursor("0.123-104.5");
  EXPECT_EQ(cursor.real().value, 0.123);
  EXPECT_EQ(cursor.real().value, -104.5);
}

TEST(Cursor, NamesWhyAFieldIsNoNumber) {
  EXPECT_EQ(state_of(""), FieldState::missing);
  EXPECT_EQ(state_of("   "), FieldState::missing);
  EXPECT_EQ(state_of("*****"), FieldState::overflow);
  EXPECT_EQ(state_of("NaN"), FieldState::not_finite);
  EXPECT_EQ(state_of("-Infinity"), FieldState::not_finite);
  EXPECT_EQ(state_of("1E+400"), FieldState::not_finite);
  EXPECT_EQ(state_of("abc"), FieldState::malformed);
  EXPECT_EQ(state_of("12.5.3"), FieldState::malformed);  // two positive numbers run together: no telling where
  EXPECT_EQ(state_of("1.5x"), FieldState::malformed);
  EXPECT_EQ(state_of("--3"), FieldState::malformed);
  EXPECT_EQ(state_of("."), FieldState::malformed);
  EXPECT_EQ(state_of(std::string(500, '7')), FieldState::malformed);
}

TEST(Cursor, GoesOnAfterAFieldThatIsNoNumber) {
  Cursor cursor("***** NaN 3.0");
  EXPECT_EQ(cursor.real().state, FieldState::overflow);
  EXPECT_EQ(cursor.real().state, FieldState::not_finite);
  EXPECT_EQ(cursor.real().value, 3.0);
}

TEST(Cursor, ReadsIntegersAndRefusesReals) {
  Cursor cursor(" 12 -7 +3 4.5 99999999999999999999 x");
  EXPECT_EQ(cursor.integer(), 12);
  EXPECT_EQ(cursor.integer(), -7);
  EXPECT_EQ(cursor.integer(), 3);
  EXPECT_EQ(cursor.integer(), std::nullopt);
  EXPECT_EQ(cursor.integer(), std::nullopt);
  EXPECT_EQ(cursor.integer(), std::nullopt);
  EXPECT_EQ(cursor.integer(), std::nullopt);
}

TEST(Cursor, MovesPastMarksAndWords) {
  Cursor cursor("  TEBEG  =  600.0;   TEEND  = 300.0 temperature");
  EXPECT_TRUE(cursor.accept("TEBEG"));
  EXPECT_FALSE(cursor.accept("TEEND"));
  EXPECT_TRUE(cursor.skip_past("TEEND"));
  EXPECT_TRUE(cursor.skip_past("="));
  EXPECT_FALSE(cursor.skip_past("="));
  EXPECT_EQ(cursor.real().value, 300.0);
  EXPECT_EQ(cursor.word(), "temperature");
  EXPECT_EQ(cursor.word(), "");
}

TEST(Cursor, NeverReadsOutsideItsView) {
  const std::string text = "1.25E+03-7.5";
  for (std::size_t length = 0; length <= text.size(); ++length) {
    Cursor cursor(std::string_view(text).substr(0, length));
    const RealField field = cursor.real();
    EXPECT_TRUE(field.ok() || length == 0 || length == 5 || length == 6)
        << length;  // "1.25E" and "1.25E+" are no numbers
  }
}

TEST(Cursor, WholeWordsMustBeNumbersToTheEnd) {
  EXPECT_EQ(parse_real(" 2.5 "), 2.5);
  EXPECT_EQ(parse_real("2.5 3"), std::nullopt);
  EXPECT_EQ(parse_integer("17"), 17);
  EXPECT_EQ(parse_integer("17.0"), std::nullopt);
  EXPECT_EQ(trimmed(" \t a b \r\n"), "a b");
}

}  // namespace
}  // namespace haven
