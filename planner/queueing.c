#include "planner/queueing.h"

double queue_utilization(double service, double target)
{
    double room = target - service;

    if (!(room > 0) || !(service > 0))
        return 1;
    return 2 * room / (2 * room + service);
}
