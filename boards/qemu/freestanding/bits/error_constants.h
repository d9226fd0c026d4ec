// std::errc with the values that <charconv> returns; the numbers are those of POSIX.
#pragma once
namespace std {
enum class errc { invalid_argument = 22, result_out_of_range = 34, value_too_large = 75 };
}
