#include <gtest/gtest.h>

#include "io/xml_scanner.hpp"
#include "support/shared_data.hpp"

namespace haven {
namespace {

/// The events as text: "<a x>" for a start with the attribute name, "[text]>" for an end; then the error.
std::string walk(const std::string& text) {
  const testing::TemporaryFolder folder;
  write_text(folder.file("f.xml"), text);
  TextFile file(folder.file("f.xml"));
  XmlScanner scanner(file);
  std::string walked;
  while (true) {
    switch (scanner.next()) {
      case XmlScanner::Event::start:
        walked += "<" + std::string(scanner.name()) + " " + std::string(scanner.attribute("name")) + ">";
        scanner.keep_text();
        break;
      case XmlScanner::Event::end:
        walked += "[" + std::string(scanner.text()) + "]>";
        break;
      case XmlScanner::Event::finish:
        return walked + (scanner.error().empty() ? "" : "!" + scanner.error());
    }
  }
}

TEST(XmlScanner, WalksThroughElementsAttributesAndText) {
  EXPECT_EQ(walk("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<a name='x > y' b=\"2\">one</a>\n"),
            "<a x > y>[one]>");
  EXPECT_EQ(walk("<a><b name=\"q\"/><c >2</c\n></a>"), "<a ><b q>[]><c >[2]>[2]>");
  EXPECT_EQ(walk("<i type=\"string\" name=\"SYSTEM\"> a &lt;b&gt; &amp;&quot;c&apos; &other; </i>"),
            "<i SYSTEM>[ a <b> &\"c' &other; ]>");
  EXPECT_EQ(walk("<a><!-- <b> -- --><![CDATA[<v>]]></a>"), "<a >[<v>]>");
}

/// Blocks of the stream end anywhere: inside texts, between a text and its end tag, inside tags.
TEST(XmlScanner, TextsAndTagsContinueOverTheEndsOfBlocks) {
  std::string text = "<m>", expected = "<m >";
  for (int k = 0; k < 60'000; ++k) {
    const std::string content(static_cast<std::size_t>(k % 97), static_cast<char>('a' + k % 26));
    const bool entity = k % 5 == 0;
    text += "<v name='n'>" + content + (entity ? "&lt;" + content : "") + "</v>";
    expected += "<v n>[" + content + (entity ? "<" + content : "") + "]>";
  }
  ASSERT_GT(text.size(), 4U << 20U);
  EXPECT_TRUE(walk(text) == expected) << "texts of megabytes are not printed";
}

/// All rows, by plain_element() where it takes them and by events otherwise, of an array that several blocks hold.
TEST(XmlScanner, PlainElementsAreThoseThatEventsWouldGive) {
  const testing::TemporaryFolder folder;
  std::string text = "<m>\n";
  std::vector<std::string> expected;
  for (int k = 0; k < 200'000; ++k) {
    expected.push_back(" " + std::to_string(k) + " ");
    if (k % 9 == 1) expected.back() += '<';
    const std::string content = k % 9 == 1 ? " " + std::to_string(k) + " &lt;" : expected.back();
    if (k % 11 == 2) text += "<!-- c -->";
    text += (k % 7 == 3 ? "<v name='x'>" : "  <v>") + content + "</v>\n";
  }
  write_text(folder.file("f.xml"), text + "<vv>1</vv><v/></m>");
  TextFile file(folder.file("f.xml"));
  XmlScanner scanner(file);
  std::vector<std::string> found;
  int plain = 0;
  std::string last;
  for (auto event = scanner.next(); event != XmlScanner::Event::finish; event = scanner.next()) {
    if (event == XmlScanner::Event::start) scanner.keep_text(), last = scanner.name();
    if (event == XmlScanner::Event::end && last == "v") found.emplace_back(scanner.text());
    if (event == XmlScanner::Event::end) last.clear();
    if (event == XmlScanner::Event::start && last == "v") continue;
    while (const auto row = scanner.plain_element("v")) found.emplace_back(*row), ++plain;
  }
  EXPECT_EQ(scanner.error(), "");
  EXPECT_GT(plain, 100'000);
  ASSERT_EQ(found.size(), expected.size() + 1);  // and <v/>
  for (std::size_t k = 0; k < expected.size(); ++k) ASSERT_EQ(found[k], expected[k]) << k;
  EXPECT_EQ(found.back(), "");
}

TEST(XmlScanner, RefusesWhatIsNotNestedOrDeclaresEntities) {
  EXPECT_EQ(walk("<a><b></a></b>"), "<a ><b >!mismatched tag");
  EXPECT_EQ(walk("</a>"), "!mismatched tag");
  EXPECT_NE(walk("<!DOCTYPE lolz [<!ENTITY lol \"lol\">]><a>&lol;</a>").find("document type declaration"),
            std::string::npos);
  std::string deep;
  for (int k = 0; k < 100; ++k) deep += "<a>";
  EXPECT_NE(walk(deep).find("too deeply nested"), std::string::npos);
  EXPECT_NE(walk("<a " + std::string(5U << 20U, 'x')).find("unclosed token"), std::string::npos);
}

TEST(XmlScanner, EveryCutOfAFileEndsWithoutAnEventThatIsNotThere) {
  const std::string text = "<m><v name=\"s\">  1.0 &lt; 2.0 </v><!-- c --><e/></m>";
  const std::string whole = walk(text);
  for (std::size_t length = 0; length < text.size(); ++length) {
    std::string part = walk(text.substr(0, length));
    part.resize(std::min(part.find('!'), part.size()));
    EXPECT_EQ(part, whole.substr(0, part.size())) << length;
  }
}

TEST(XmlScanner, BlocksDoNotShow) {
  // Longer than several blocks of the file reader, so that every kind of markup meets a block's end.
  std::string text = "<modeling>", expected = "<modeling >";
  for (int k = 0; k < 40000; ++k) {
    const std::string number = std::to_string(k * 7919 % 100003);
    text += "<v name=\"n" + number + "\">&amp;" + number + "</v><!--" + number + "-->";
    expected += "<v n" + number + ">[&" + number + "]>";
  }
  const std::string walked = walk(text + "</modeling>");
  EXPECT_EQ(walked.substr(0, expected.size()), expected);
}

TEST(XmlScanner, KnowsTheLine) {
  const testing::TemporaryFolder folder;
  write_text(folder.file("f.xml"), "<a>\n\n<b>\n</b></a>");
  TextFile file(folder.file("f.xml"));
  XmlScanner scanner(file);
  for (const Index line : {1, 3, 4, 4}) {
    scanner.next();
    EXPECT_EQ(scanner.line(), line);
  }
}

}  // namespace
}  // namespace haven
