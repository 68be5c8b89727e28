#include "record/places.h"

double places_take_mean(struct places *p, uint8_t place, int64_t now_ns)
{
    struct occupancy *o = &p->at[place];
    int128 area = (int128)o->n * now_ns + o->left_ns;
    int64_t length_ns = now_ns - o->mark_ns;
    double mean = length_ns > 0 ? (double)(area - o->mark_area) / (double)length_ns : (double)o->n;
    o->mark_area = area;
    o->mark_ns = now_ns;
    return mean;
}
