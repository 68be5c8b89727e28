/* What is linked into the program of assets/: made by cmake/embed.cmake. UTF-8, no '\0' at the end.
 */
#ifndef PAGES_HTML_ASSETS_H
#define PAGES_HTML_ASSETS_H

#include <stddef.h>

extern const unsigned char page_style[], page_script[];
extern const size_t page_style_length, page_script_length;
/* Of panels over time: uPlot, and ours. */
extern const unsigned char series_style[], series_script[], uplot_licence[];
extern const size_t series_style_length, series_script_length, uplot_licence_length;

#endif
