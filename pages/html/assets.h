/* What is linked into the program of assets/: made by cmake/embed.cmake. UTF-8, no '\0' at the end.
 */
#ifndef PAGES_HTML_ASSETS_H
#define PAGES_HTML_ASSETS_H

#include <stddef.h>

extern const unsigned char page_style[], page_script[];
extern const size_t page_style_length, page_script_length;

#endif
