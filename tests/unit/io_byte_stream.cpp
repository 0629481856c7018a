#include <bzlib.h>
#include <gtest/gtest.h>
#include <lzma.h>
#include <zlib.h>

#include <functional>
#include <map>

#include "core/error.hpp"
#include "io/text_file.hpp"
#include "support/shared_data.hpp"

namespace haven {
namespace {

std::string gzip(const std::string& text) {
  const testing::TemporaryFolder folder;
  const gzFile file = gzopen(folder.file("f.gz").c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  std::FILE* in = std::fopen(folder.file("f.gz").c_str(), "rb");
  std::string bytes(text.size() + 1000, '\0');
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), in));
  std::fclose(in);
  return bytes;
}

std::string bzip2(std::string text) {
  std::string bytes(text.size() + text.size() / 100 + 1000, '\0');
  auto length = static_cast<unsigned>(bytes.size());
  EXPECT_EQ(BZ2_bzBuffToBuffCompress(bytes.data(), &length, text.data(), static_cast<unsigned>(text.size()), 1, 0, 0),
            BZ_OK);
  bytes.resize(length);
  return bytes;
}

std::string xz(const std::string& text) {
  std::string bytes(text.size() + 1000, '\0');
  std::size_t length = 0;
  EXPECT_EQ(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, nullptr, reinterpret_cast<const std::uint8_t*>(text.data()),
                                    text.size(), reinterpret_cast<std::uint8_t*>(bytes.data()), &length, bytes.size()),
            LZMA_OK);
  bytes.resize(length);
  return bytes;
}

const std::map<std::string, std::function<std::string(const std::string&)>> compressors{
    {"gzip", gzip}, {"bzip2", bzip2}, {"xz", xz}, {"plain", [](const std::string& text) { return text; }}};

struct Content {
  std::string text;
  TextFile::Ending ending;
};

Content read(const std::string& bytes) {
  const testing::TemporaryFolder folder;
  write_text(folder.file("file"), bytes);
  TextFile file(folder.file("file"));
  Content content;
  std::string_view line;
  while (file.next_line(line)) content.text += std::string(line) + (file.line_was_terminated() ? "\n" : "");
  content.ending = file.ending();
  return content;
}

std::string long_text() {
  std::string text;
  for (int k = 0; k < 40000; ++k) text += std::to_string(k * k % 7919) + (k % 7 == 0 ? "\n" : " ");
  return text;
}

TEST(ByteStream, GivesBackWhatEachCompressorWasGiven) {
  const std::string text = long_text();
  for (const auto& [name, compress] : compressors) {
    const Content content = read(compress(text));
    EXPECT_EQ(content.text, text) << name;
    EXPECT_EQ(content.ending, TextFile::Ending::complete) << name;
    EXPECT_EQ(read(compress("")).text, "") << name;
    EXPECT_EQ(read(compress("")).ending, TextFile::Ending::complete) << name;
  }
}

TEST(ByteStream, ReadsStreamsThatFollowEachOther) {
  for (const auto& [name, compress] : compressors)
    EXPECT_EQ(read(compress("one\n") + compress("two\n")).text, "one\ntwo\n") << name;
}

TEST(ByteStream, ACutStreamDeliversAPrefixAndIsCalledDamaged) {
  const std::string text = long_text();
  for (const auto& [name, compress] : compressors) {
    if (name == "plain") continue;
    const std::string bytes = compress(text);
    for (const double part : {0.2, 0.5, 0.9, 0.999}) {
      const Content content = read(bytes.substr(0, static_cast<std::size_t>(part * static_cast<double>(bytes.size()))));
      EXPECT_EQ(content.text, text.substr(0, content.text.size())) << name;
      EXPECT_EQ(content.ending, TextFile::Ending::damaged) << name << " " << part;
    }
  }
}

TEST(ByteStream, AChangedByteIsNoticed) {
  const std::string text = long_text();
  for (const char* name : {"bzip2", "xz", "gzip"}) {
    std::string bytes = compressors.at(name)(text);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x10);
    EXPECT_EQ(read(bytes).ending, TextFile::Ending::damaged) << name;
  }
}

TEST(ByteStream, RubbishBehindACompressedStreamIsDamage) {
  for (const char* name : {"bzip2", "xz"})
    EXPECT_EQ(read(compressors.at(name)("text\n") + "rubbish, and more of it").ending, TextFile::Ending::damaged)
        << name;
}

TEST(ByteStream, RefusesWhatIsNotThereOrAFolder) {
  const testing::TemporaryFolder folder;
  EXPECT_THROW(open_byte_stream(folder.file("none")), InputError);
  EXPECT_THROW(open_byte_stream(folder.path().string()), InputError);
}

}  // namespace
}  // namespace haven
