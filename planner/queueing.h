/* How busy an engine may be that answers within a target. */
#ifndef PLANNER_QUEUEING_H
#define PLANNER_QUEUEING_H

/* The utilisation, above 0 up to 1, at which the mean time to an answer of an M/D/1 queue is the
 * target; the service takes the same time always, both in one unit. 1 where no utilisation reaches
 * the target, or the service takes none. */
double queue_utilization(double service, double target);

#endif
