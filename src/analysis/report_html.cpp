#include "analysis/report_html.hpp"

#include <fmt/format.h>

#include <cmath>

#include "analysis/report_script.hpp"
#include "analysis/transport_output.hpp"

namespace haven::report {
namespace {

constexpr const char* style = R"(
:root{--ink:#1b2733;--soft:#5a6b7b;--line:#d9e0e6;--paper:#ffffff;--ground:#f4f6f8;--accent:#0b5fa5;--good:#0f7b4f;--bad:#a8430f;--tint:#e8f1f9}
@media (prefers-color-scheme: dark){:root{--ink:#e4eaf0;--soft:#9db0c0;--line:#34434f;--paper:#1c262e;--ground:#12191f;--accent:#7cc0f4;--good:#6fd3a5;--bad:#f0a070;--tint:#1f3242}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:1180px;margin:0 auto;padding:2.2rem 1.4rem 4rem}
header h1{font-size:2.1rem;line-height:1.15;margin:0 0 .2rem;letter-spacing:-.01em}
header p{margin:.1rem 0;color:var(--soft)}
nav{margin:1rem 0 1.6rem;font-size:.92rem}nav a{color:var(--accent);text-decoration:none;margin-right:1.1rem;white-space:nowrap}nav a:hover{text-decoration:underline}
section{background:var(--paper);border:1px solid var(--line);border-radius:12px;padding:1.3rem 1.5rem;margin:0 0 1.3rem}
h2{font-size:1.25rem;margin:0 0 .8rem}h3{font-size:1.02rem;margin:1.3rem 0 .5rem}
.answer{border-left:6px solid var(--good);background:var(--tint)}.answer.refused{border-left-color:var(--bad)}
.answer .big{font-size:1.7rem;font-weight:650;line-height:1.25;margin:.1rem 0 .35rem}.answer p{margin:.25rem 0}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:.8rem;margin-top:1rem}
.tile{background:var(--paper);border:1px solid var(--line);border-radius:9px;padding:.65rem .85rem}.tile b{display:block;font-size:1.15rem}.tile span{color:var(--soft);font-size:.84rem}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:.94rem}
th,td{padding:.42rem .5rem;text-align:right;border-bottom:1px solid var(--line);vertical-align:top}th:first-child,td:first-child{text-align:left}
th{color:var(--soft);font-weight:600;border-bottom-width:2px;white-space:nowrap}.texts td:last-child,.texts th:last-child{text-align:left}.note{display:block;color:var(--soft);font-size:.85rem}
td small{display:block;color:var(--soft);font-size:.8rem;white-space:nowrap}
.grid{margin-top:1rem;display:grid;grid-template-columns:repeat(auto-fill,minmax(min(430px,100%),1fr));gap:1rem}
figure{position:relative;margin:0;background:#fff;border:1px solid var(--line);border-radius:9px;padding:.6rem .6rem .3rem;break-inside:avoid}
figure svg{width:100%;height:auto;display:block}figcaption{color:#51616f;font-size:.86rem;padding:.3rem .3rem .45rem}
figure [data-key]{cursor:pointer}figure .save{position:absolute;top:.5rem;right:.6rem;font-size:.72rem;color:#5a6b7b;text-decoration:none;border:1px solid #d9e0e6;border-radius:5px;padding:.05rem .4rem;background:#fff;opacity:0;transition:opacity .15s}
figure:hover .save,figure .save:focus{opacity:1}
.tip{position:absolute;z-index:9;pointer-events:none;background:#1b2733;color:#fff;border-radius:7px;padding:.45rem .65rem;font-size:.82rem;line-height:1.45;max-width:26rem;box-shadow:0 3px 14px #0005}.tip[hidden]{display:none}
.tip i{display:inline-block;width:.6rem;height:.6rem;border-radius:50%;margin-right:.4rem}.tip span,.tip small{color:#b9c6d2}
.dial{margin:.9rem 0 .2rem;display:flex;gap:.9rem;align-items:center;flex-wrap:wrap}.dial[hidden]{display:none}.dial input{flex:1 1 16rem;max-width:28rem;accent-color:var(--accent)}.dial output{font-variant-numeric:tabular-nums;font-weight:600}
ul{margin:.3rem 0;padding-left:1.2rem}li{margin:.22rem 0}code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.85rem}
pre{background:var(--ground);border:1px solid var(--line);border-radius:8px;padding:.8rem 1rem;overflow-x:auto}
details{margin:.7rem 0}summary{cursor:pointer;color:var(--accent)}.soft{color:var(--soft)}.warn code{color:var(--bad);font-weight:600}.hash{word-break:break-all}
footer{color:var(--soft);font-size:.85rem;margin-top:1.5rem}
@media print{body{background:#fff;font-size:11pt}main{max-width:none;padding:0}nav,.save,.dial{display:none}section{border:none;padding:.4rem 0;break-inside:auto}h2{break-after:avoid}}
)";

}  // namespace

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string scientific(const std::string& text) {
  std::string out;
  for (std::size_t k = 0; k < text.size(); ++k) {
    const auto digit = [&](std::size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '9'; };
    const bool after_number = k > 0 && (digit(k - 1) || text[k - 1] == ')');
    const bool sign = k + 1 < text.size() && (text[k + 1] == '-' || text[k + 1] == '+');
    const bool exponent = text[k] == 'e' && after_number && (digit(k + 1) || (sign && digit(k + 2)));
    if (!exponent) {
      out += text[k];
      continue;
    }
    std::size_t end = k + 1;
    std::string digits;
    if (text[end] == '-') digits = "&minus;";
    if (text[end] == '-' || text[end] == '+') ++end;
    while (end < text.size() && text[end] == '0' && end + 1 < text.size() && text[end + 1] >= '0' &&
           text[end + 1] <= '9')
      ++end;
    while (end < text.size() && text[end] >= '0' && text[end] <= '9') digits += text[end++];
    out += "&thinsp;&times;&thinsp;10<sup>" + digits + "</sup>";
    k = end - 1;
  }
  return out;
}

std::string prose(const std::string& text) {
  static constexpr std::pair<const char*, const char*> replacements[] = {
      {"A^2", "Å²"}, {"A^3", "Å³"}, {"cm^2", "cm²"}, {" A ", " Å "}, {" A,", " Å,"}, {" A)", " Å)"}};
  std::string out = text;
  for (const auto& [from, to] : replacements)
    for (std::size_t at = 0; (at = out.find(from, at)) != std::string::npos; at += std::string_view(to).size())
      out.replace(at, std::string_view(from).size(), to);
  return scientific(escaped(out));
}

std::string interval_text(const Estimate& estimate) {
  const double low = estimate.ci95[0], high = estimate.ci95[1];
  const double largest = std::max(std::abs(low), std::abs(high));
  const int exponent = largest > 0 ? static_cast<int>(std::floor(std::log10(largest))) : 0;
  if (exponent > -3 && exponent < 5) return fmt::format("{:.2g} &hellip; {:.2g}", low, high);
  const double scale = std::pow(10.0, exponent);  // one power of ten for both ends
  return scientific(fmt::format("({:.2g} &hellip; {:.2g})e{}", low / scale, high / scale, exponent));
}

std::string estimate_cell(const Estimate& estimate) {
  if (estimate.determined())
    return fmt::format("{}<small>95&thinsp;%: {}</small><small>n = {}</small>",
                       scientific(escaped(format_estimate(estimate))), interval_text(estimate),
                       scientific(fmt::format("{:.3g}", estimate.n_eff)));
  if (estimate.upper_bound)
    return fmt::format("<span title=\"{}\">&lt; {}<small>95&thinsp;% bound</small></span>", escaped(estimate.refused),
                       scientific(fmt::format("{:.2g}", *estimate.upper_bound)));
  return fmt::format("<span title=\"{}\">&mdash;<small>refused</small></span>", escaped(estimate.refused));
}

std::string number_or_dash(double value) { return value < 0 ? "&mdash;" : scientific(fmt::format("{:.3g}", value)); }

std::string Table::html() const {
  if (rows_.empty()) return "";
  std::string out =
      fmt::format("<div class=\"scroll\"><table{}><thead><tr>", last_ == Last::text ? " class=\"texts\"" : "");
  for (const std::string& head : heads_) out += "<th>" + head + "</th>";
  out += "</tr></thead><tbody>\n";
  for (const auto& cells : rows_) {
    out += "<tr>";
    for (const std::string& cell : cells) out += "<td>" + cell + "</td>";
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string section(const std::string& id, const std::string& title, const std::string& body) {
  if (body.empty()) return "";
  return fmt::format("<section id=\"{}\"><h2>{}</h2>\n{}</section>\n", id, title, body);
}

std::string figure(const std::string& name, const std::string& svg, const std::string& caption) {
  const std::size_t begin = svg.find("<svg");  // an XML declaration has no place inside HTML
  if (begin == std::string::npos) return "";
  return fmt::format("<figure id=\"fig-{}\">{}<figcaption>{}</figcaption></figure>\n", escaped(name), svg.substr(begin),
                     caption);
}

std::string figures(const std::vector<std::string>& items) {
  std::string inside;
  for (const std::string& item : items) inside += item;
  return inside.empty() ? "" : "<div class=\"grid\">\n" + inside + "</div>\n";
}

std::string details(const std::string& summary, const std::string& body) {
  return body.empty() ? "" : fmt::format("<details><summary>{}</summary>\n{}</details>\n", summary, body);
}

std::string page(const std::string& title, const std::vector<std::pair<std::string, std::string>>& contents,
                 const std::string& body) {
  std::string nav;
  for (const auto& [id, name] : contents) nav += fmt::format("<a href=\"#{}\">{}</a>", id, name);
  const std::size_t header_end = body.find("</header>");
  const std::string head = header_end == std::string::npos ? "" : body.substr(0, header_end + 9);
  const std::string rest = header_end == std::string::npos ? body : body.substr(header_end + 9);
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width, "
      "initial-scale=1\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'; script-src "
      "'unsafe-inline'\">\n<title>{}</title>\n<style>{}</style></head>\n<body><main>\n{}\n<nav>{}</nav>\n{}</"
      "main>\n<script>{}</script>\n"
      "</body></html>\n",
      escaped(title), style, head, nav, rest, page_script());
}

}  // namespace haven::report
