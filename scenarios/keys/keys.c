#include "scenarios/keys/keys_internal.h"

#include <math.h>
#include <string.h>

#include "dynosim/dynosim.h"
#include "engines/kv/kv_cache.h"
#include "engines/latency/latency.h"
#include "planner/arbiter.h"
#include "planner/policy.h"
#include "scenarios/keys/simulator.h"
#include "sim/routing/endpoint.h"
#include "sim/routing/router.h"
#include "sim/state/config.h"
#include "traces/trace.h"
#include "traces/traffic.h"

KEY_CHOICE(router_choice, routers)
KEY_CHOICE(eviction_choice, kv_evictions)
KEY_CHOICE(compat_choice, simulators)
KEY_CHOICE(arbiter_choice, arbiters)

static bool is_first_of_name(const struct policy_ops *policy)
{
    return policy_find(policy->name, NULL) == policy;
}

/* One that follows another of its name is a generation of it. */
static const char *policy_choice(size_t i)
{
    const struct policy_ops *const *p = policies;

    while (*p && (!is_first_of_name(*p) || i-- > 0))
        p++;
    return *p ? (*p)->name : NULL;
}

static const char *generation_choice(size_t i)
{
    const struct policy_ops *const *p = policies;

    while (*p && (!(*p)->generation || i-- > 0))
        p++;
    return *p ? (*p)->generation : NULL;
}

static const char *latency_choice(size_t i)
{
    if (i == 0)
        return "auto";
    return latency_models[i - 1] ? latency_models[i - 1]->name : NULL;
}

static const char *format_choice(size_t i)
{
    if (i == 0)
        return "auto";
    return trace_formats[i - 1] ? trace_formats[i - 1]->name : NULL;
}

static const char *endpoint_choice(size_t i)
{
    if (i == 0)
        return "none";
    return endpoints[i - 1] ? endpoints[i - 1]->name : NULL;
}

static const char *semantic_choice(size_t i)
{
    return i < N_DYNOSIM_SEMANTICS ? dynosim_semantics[i].name : NULL;
}

static const char *const transfer_choices[] = {"missing", "prompt", NULL};
static const char *const scale_down_modes[] = {"drain", "terminate", NULL};
static const char *const placements[] = {"pack", "spread", NULL};
static const char *const victims[] = {"newest", "least_loaded", "most_idle", NULL};
static const char *const switches[] = {"false", "true", NULL};
static const char *const step_orders[] = {"decode_first", "prefill_first", NULL};
static const char *const queue_orders[] = {"fcfs", "priority", NULL};
static const char *const hold_orders[] = {"fcfs", "shortest_first", "priority", NULL};
static const char *const arrival_choices[] = {"poisson", "even", NULL};
static const char *const lost_choices[] = {"fail", "retry", NULL};

/* Part of the product, not of this version: refused by name, so that nobody takes them for a slip.
 */
static const char *const planned_policies[] = {"schedule", "hpa", "keda", "process", NULL};

const struct scenario_section scenario_sections[] = {
    {"", "The scenario", false},
    {"trace", "The requests that are replayed", false},
    {"traffic",
     "Requests that are made up, instead of a trace: of clients that wait for their answers, or at "
     "a rate told over time",
     false},
    {"sla", "Targets of one request", false},
    {"span", "The part of the run that is measured", true},
    {"engine", "The engine of every worker; a pool may set any of these keys for itself", false},
    {"cluster", "The nodes that workers get their GPUs from", true},
    {"arbiter", "Who gets GPUs when deployments want more than there are (docs/deployments.md)",
     true},
    {"share", "What a deployment is to the arbiter", false},
    {"endpoint", "How deployments share one trace, or traffic (docs/deployments.md)", true},
    {"serves", "Which requests of the endpoint are for a deployment", false},
    {"pools", "The workers at the start: either `agg`, or `prefill` and `decode`", false},
    {"kv_router", "What the router kv_aware makes of what it sees", false},
    {"router_view", "What the routers that go by load know of the workers", false},
    {"router_queue", "Requests held back by the router of the pool `agg` or `prefill`", false},
    {"disagg", "When a decode worker computes a prompt itself; with pools `prefill` and `decode`",
     false},
    {"kv_transfer", "Moving the KV cache from a prefill to a decode worker", false},
    {"client", "What the users of the service do", false},
    {"startup", "Bringing up a worker", false},
    {"scale_down", "Taking away a worker", false},
    {"failures", "What breaks", false},
    {"metrics", "What a policy can see", false},
    {"policy", "What decides how many workers there are", false},
    {"limits",
     "What ends a run that would not end by itself; the report then says what it waited for", true},
    {"output", "What is recorded", true},
    {"cost", "Prices", true},
    {"deployments",
     "Several deployments in one run, on one cluster: a map of names to keys (docs/deployments.md)",
     false},
    {.name = NULL},
};

#define TOP(member) PLACE_SCENARIO, offsetof(struct scenario, member)
#define ENGINE(member) PLACE_ENGINE, offsetof(struct engine_settings, member)
/* Unset until the profile is known; then as its overheads have it, else bare. */
#define OVERHEAD(member, bare_value)                                                               \
    ENGINE(member), .overhead = true, .bare = bare_value, .preset = NAN,                           \
                    .unset = "as overheads have it, else " #bare_value
#define OVERHEAD_TEXT(member, bare_value)                                                          \
    ENGINE(member), .overhead = true, .bare_text = bare_value,                                     \
                    .unset = "as overheads have it, else " bare_value
#define POOL(member) PLACE_POOL, offsetof(struct pool_settings, member)
#define RANGE(lo, hi) .min = lo, .max = hi
#define ABOVE(lo, hi) .min = lo, .max = hi, .above_min = true

/* Conditions of several keys. What the reference simulator lacks; what needs a policy that scales;
 * what needs a worker that starts while the run goes on. */
#define OURS "compat=none"
#define REPLAYED OURS " & trace.path"
#define MADE_UP "traffic.clients | traffic.rate_per_s"
#define OF_PARTS .of_parts = true, .when = "compat=none & engine.latency_model=auto,steps"
#define FRONT_END "compat=none & role=agg,prefill"
#define DISAGG "pools=disagg"
#define PAID "compat=none | kv_transfer.bytes_per_token | compat_off=free-transfer"
#define BY_LOAD "router!=round_robin,random"
#define SCALES "policy.type!=static"
/* A policy that reads gauges. */
#define GAUGES "policy.generation=1.0.2 & policy.enable_load_scaling=true"
#define SHARED OURS " & arbiter.type!=none"
#define SHARES_OUT "arbiter.type=priority,fair_share"
#define BY_CLASS OURS " & endpoint.by=class"
#define BY_GRID OURS " & endpoint.by=grid"
#define STARTS                                                                                     \
    "policy.type!=static | failures.worker_mtbf_h | failures.node_mtbf_h | failures.spot_mtbf_h"

/* Beyond these lies a slip of the hand, not a deployment: 31 years, and so on. */
#define MAX_S 1e9
#define MAX_MS 1e12
#define MAX_H 250000.0
#define MAX_TOK 2147483647.0
#define MAX_SEQS 65535.0 /* a worker counts them in 16 bits */
#define MAX_WORKERS 100000.0
#define MAX_CLIENTS 10000000.0

const struct key scenario_keys[] = {
    {"", "name", KEY_TEXT, TOP(name), .of_run = true, .unset = "the file's name without its ending",
     .doc = "what reports call the run"},
    {"", "description", KEY_TEXT, TOP(description), .of_run = true, .preset_text = "",
     .doc = "for readers of the file; without effect"},
    {"", "seed", KEY_INT, TOP(seed), .of_run = true, RANGE(0, 9007199254740992.0), .preset = 1,
     .doc = "of every random draw"},
    {"", "replicate", KEY_INT, TOP(replicate), .of_run = true, RANGE(0, 1e9), .when = OURS,
     .doc = "0 = the traffic as it was recorded; 1, 2, ... = another plausible course of it each, "
            "and every random draw anew (docs/traffic.md)"},
    {"", "compat", KEY_ENUM, TOP(compat), .of_run = true, .choice = compat_choice,
     .preset_text = "none",
     .doc = "whose reading of the keys below counts: ours, or the reference simulator's "
            "(docs/dynosim.md)"},
    {"", "compat_off", KEY_NAMES, TOP(compat_off), .of_run = true, .choice = semantic_choice,
     .when = "compat=dynosim",
     .doc = "with compat dynosim: simplifications of the reference to turn to our reading"},

    {"trace", "path", KEY_PATH, TOP(trace.path), .unset = "required without `traffic`",
     .doc = "file of requests, plain or gzip"},
    {"trace", "format", KEY_ENUM, TOP(trace.format), .choice = format_choice, .preset_text = "auto",
     .when = "trace.path", .doc = "of the file; auto tells it from the content"},
    {"trace", "sort", KEY_BOOL, TOP(trace.sort), .when = "trace.path",
     .doc = "requests may stand in any order: the whole trace is read into memory and sorted by "
            "arrival"},
    {"trace", "limit", KEY_INT, TOP(trace.limit), RANGE(0, 1e15), .unit = "requests",
     .when = "trace.path", .doc = "stop after so many; 0 = all"},
    {"trace", "speedup", KEY_NUMBER, TOP(trace.speedup), RANGE(1e-9, 1e6), .preset = 1,
     .when = "trace.path",
     .doc =
         "arrival times are divided by it. 2 is not the same hour with twice the users: the hour "
         "lasts half as long, while the planner's intervals and a worker's start do not"},
    {"trace", "from_s", KEY_NUMBER, TOP(trace.from_s), RANGE(0, MAX_S), .unit = "s",
     .when = REPLAYED,
     .doc =
         "the part from here on is replayed, and the run starts at this moment; counted from the "
         "first request, after speedup"},
    {"trace", "to_s", KEY_NUMBER, TOP(trace.to_s), RANGE(0, MAX_S), .least = 0.001, .unit = "s",
     .when = REPLAYED, .doc = "the part up to here is replayed; 0 = to the end"},
    {"trace", "scale", KEY_NUMBER, TOP(trace.scale), ABOVE(0, TRAFFIC_SCALE_MAX), .preset = 1,
     .unit = "copies", .when = REPLAYED,
     .doc = "so many of the part are replayed at once, each with prefixes of its own; of the last, "
            "where there is a fraction, that share of the requests"},
    {"trace", "scale_shift_s", KEY_NUMBER, TOP(trace.scale_shift_s), RANGE(0, MAX_S), .preset = 300,
     .unit = "s", .when = REPLAYED " & trace.scale>1",
     .doc = "each copy but the first is earlier or later by a random time, so much at most; what "
            "leaves the part at one end comes in at the other"},
    {"trace", "resample_block_s", KEY_NUMBER, TOP(trace.resample_block_s), RANGE(1, MAX_S),
     .preset = 300, .unit = "s", .when = REPLAYED,
     .doc = "a replicate is put together of blocks of the recording so long; without bearing on "
            "replicate 0"},
    {"trace", "resample_within_s", KEY_NUMBER, TOP(trace.resample_within_s), RANGE(0, MAX_S),
     .preset = 900, .unit = "s", .when = REPLAYED,
     .doc = "each block is one that was recorded so much earlier or later at most; without bearing "
            "on replicate 0"},
    {"trace", "block_size_tok", KEY_INT, TOP(trace.block_size_tok), RANGE(1, MAX_TOK),
     .preset = 512, .unit = "tokens", .when = "trace.path",
     .doc = "what one block id of the trace stands for"},

    {"traffic", "clients", KEY_INT, TOP(traffic.clients), RANGE(0, MAX_CLIENTS), .unit = "clients",
     .when = OURS,
     .doc =
         "each sends its next request when its last one has ended, all their first at the start; "
         "0 = the requests are those of a trace, or come at traffic.rate_per_s"},
    {"traffic", "requests", KEY_INT, TOP(traffic.requests), RANGE(1, 1e12),
     .unset = "10 for each client", .unit = "requests", .when = "traffic.clients",
     .doc = "sent by all clients together"},
    {"traffic", "isl_tok", KEY_RANGE, TOP(traffic.isl_tok), RANGE(TRACE_ISL_MIN, TRACE_TOK_MAX),
     .unset = "required with traffic", .unit = "tokens", .when = MADE_UP,
     .doc = "prompt lengths, drawn evenly; prompts share nothing"},
    {"traffic", "osl_tok", KEY_RANGE, TOP(traffic.osl_tok), RANGE(TRACE_OSL_MIN, TRACE_TOK_MAX),
     .unset = "required with traffic", .unit = "tokens", .when = MADE_UP,
     .doc = "output lengths, drawn evenly"},
    {"traffic", "think_s", KEY_NUMBER, TOP(traffic.think_s), RANGE(0, MAX_S), .unit = "s",
     .when = "traffic.clients", .doc = "between the end of a request and the next of its client"},
    {"traffic", "rate_per_s", KEY_CURVE, TOP(traffic.rate_per_s), RANGE(0, 1e6), .unset = "none",
     .unit = "requests per s", .when = OURS,
     .doc = "an open load: requests come at this rate, whatever becomes of those before; straight "
            "between the points, a jump where two have the same time, over at the last"},
    {"traffic", "arrivals", KEY_ENUM, TOP(traffic.arrivals), .choices = arrival_choices,
     .preset_text = "poisson", .when = "traffic.rate_per_s",
     .doc = "poisson: independent of one another; even: one in each slot in which one is due, at a "
            "random moment of it"},
    {"traffic", "isl_factor", KEY_CURVE, TOP(traffic.isl_factor), RANGE(1e-6, 1e6), .unset = "none",
     .when = "traffic.rate_per_s", .doc = "of the prompt lengths, over time"},

    {"sla", "ttft_ms", KEY_NUMBER, TOP(sla.ttft_ms), ABOVE(0, MAX_MS), .preset = 1500, .unit = "ms",
     .doc = "time to first token, at most"},
    {"sla", "tpot_ms", KEY_NUMBER, TOP(sla.tpot_ms), ABOVE(0, MAX_MS), .preset = 50, .unit = "ms",
     .doc = "mean time per output token after the first, at most"},
    {"sla", "window_s", KEY_NUMBER, TOP(sla.window_s), .of_run = true, RANGE(0.001, MAX_S),
     .preset = 180, .unit = "s", .doc = "length of the windows of attainment.windows"},
    {"sla", "flap_s", KEY_NUMBER, TOP(sla.flap_s), RANGE(0, MAX_S), .preset = 300, .unit = "s",
     .doc = "a pool whose target goes up and within this time down again, or down and up, counts "
            "in scaling.flaps"},

    {"span", "warmup_s", KEY_NUMBER, TOP(span.warmup_s), RANGE(0, MAX_S), .unit = "s", .when = OURS,
     .doc = "requests that arrive before this are served but not measured"},
    {"span", "duration_s", KEY_NUMBER, TOP(span.duration_s), RANGE(0, MAX_S), .unit = "s",
     .when = OURS,
     .doc = "measured arrivals are taken for so long after the warm-up; 0 = whole trace"},
    {"span", "drain_s", KEY_NUMBER, TOP(span.drain_s), RANGE(0, MAX_S), .unit = "s", .when = OURS,
     .doc = "the run ends at most so long after the last arrival; 0 = when all are done"},

    {"engine", "profile", KEY_PROFILE, ENGINE(profile), .required = true,
     .doc = "bundled engine profile (`headroom profile list`), path of a .h5 or .npz file, of a "
            "folder of a profiler's results, or list of its prefill and decode files "
            "(docs/profiles.md)"},
    {"engine", "tp", KEY_INT, ENGINE(tp), RANGE(1, 1024), .of_profile = true,
     .unset = "the profile has one row",
     .doc = "tensor parallel size, chooses the row of a profile with several"},
    {"engine", "max_kv_tokens", KEY_INT, ENGINE(max_kv_tokens), RANGE(1, MAX_TOK),
     .of_profile = true, .unset = "the profile says", .unit = "tokens",
     .doc = "KV cache of one worker, for a profile whose files do not say"},
    {"engine", "latency_model", KEY_ENUM, ENGINE(latency_model), .choice = latency_choice,
     .preset_text = "auto",
     .doc = "how the time of an engine step is computed from the profile; auto: steps where the "
            "profile has the tables, else table (always with compat dynosim)"},
    {"engine", "block_size_tok", KEY_INT, ENGINE(block_size_tok), RANGE(1, MAX_TOK),
     .unset = "that of the profile, 16 at least; else 128", .unit = "tokens",
     .doc = "KV cache block, of which a prefix cache knows whole ones (always 128 if not set with "
            "compat dynosim)"},
    {"engine", "kv_blocks", KEY_INT, ENGINE(kv_blocks), RANGE(1, MAX_TOK), .of_profile = true,
     .unset = "what the profile holds", .unit = "blocks", .doc = "KV cache of one worker"},
    {"engine", "max_num_seqs", KEY_INT, ENGINE(max_num_seqs), RANGE(1, MAX_SEQS), .preset = 256,
     .unit = "sequences", .doc = "running at one time in one worker, at most"},
    {"engine", "max_num_batched_tokens", KEY_INT, ENGINE(max_num_batched_tokens), RANGE(1, MAX_TOK),
     .preset = 8192, .unit = "tokens",
     .doc = "computed in one engine step, at most; not less than max_num_seqs"},
    {"engine", "max_model_len", KEY_INT, ENGINE(max_model_len), RANGE(1, MAX_TOK),
     .unset = "that of the profile, if any; with compat dynosim, none", .unit = "tokens",
     .when = "policy.generation!=1.0.2 & policy.optimization_target=throughput,latency & "
             "policy.fixes!=queue-in-passes & policy.compat!=fixed & role=prefill",
     .doc = "of a prompt and its answer, at most, as the engine registers it; a planner on forward "
            "passes holds the queue of a prefill rank against it"},
    {"engine", "chunked_prefill", KEY_BOOL, ENGINE(chunked_prefill), .preset = 1,
     .doc = "a prompt may be cut to what is left of the step's tokens"},
    {"engine", "prefix_cache", KEY_BOOL, ENGINE(prefix_cache), .preset = 1,
     .doc = "keep the KV blocks of prompts for later ones that begin alike (as far as the trace "
            "names them)"},
    {"engine", "kv_eviction", KEY_ENUM, ENGINE(kv_eviction), .choice = eviction_choice,
     .preset_text = "lru",
     .when = OURS " & "
                  "engine.prefix_cache=true",
     .doc = "which unused blocks make way first"},
    {"engine", "kv_watermark", KEY_NUMBER, ENGINE(kv_watermark), RANGE(0, 0.99),
     .unit = "share of the blocks", .when = OURS,
     .doc = "kept free when a prompt is admitted beside others"},
    {"engine", "data_parallel_ranks", KEY_INT, ENGINE(data_parallel_ranks), RANGE(1, MAX_RANKS),
     .of_profile = true, .unset = "those of the profile", .unit = "ranks",
     .doc = "schedule for themselves and step together; limits are per rank, kv_blocks is for all"},
    {"engine", "async_scheduling", KEY_ENUM, OVERHEAD_TEXT(async_scheduling, "false"),
     .choices = switches, .when = OURS, .doc = "step k+1 is put together when step k starts"},
    {"engine", "host_kv_blocks", KEY_INT, ENGINE(host_kv_blocks), RANGE(0, MAX_TOK),
     .unit = "blocks", .when = OURS,
     .doc =
         "of host memory, per data-parallel rank, that keep a copy of what was computed; 0 = none"},
    {"engine", "host_bandwidth_gb_s", KEY_NUMBER, ENGINE(host_bandwidth_gb_s), RANGE(1e-6, 1e9),
     .preset = 50, .unit = "10^9 bytes/s", .when = "engine.host_kv_blocks",
     .doc = "of reading host blocks back; the step waits for it"},
    {"engine", "step_order", KEY_ENUM, OVERHEAD_TEXT(step_order, "decode_first"),
     .choices = step_orders, .when = OURS " & role=agg,decode",
     .doc =
         "decode_first: prompts join the step of the running sequences; prefill_first: those wait "
         "while there are prompts to compute (not with async_scheduling)"},
    {"engine", "queue_order", KEY_ENUM, ENGINE(queue_order), .choices = queue_orders,
     .preset_text = "fcfs", .when = OURS,
     .doc = "fcfs: by arrival; priority: by the trace's `priority`, lowest first, and the least "
            "urgent "
            "is preempted first"},
    {"engine", "step_noise", KEY_NUMBER, ENGINE(step_noise), RANGE(0, 10), .when = OURS,
     .doc = "coefficient of variation of a step's time (log-normal); 0 = none"},
    {"engine", "draft_tokens", KEY_INT, ENGINE(draft_tokens), RANGE(0, 64), .unit = "tokens",
     .when = OURS " & role=agg,decode",
     .doc = "speculative decoding: drafted per step and sequence; 0 = none"},
    {"engine", "draft_acceptance", KEY_NUMBER, ENGINE(draft_acceptance), RANGE(0, 1), .preset = 0.7,
     .when = "engine.draft_tokens",
     .doc = "probability that a draft token is accepted, given that those before it were"},
    {"engine", "draft_ms", KEY_NUMBER, ENGINE(draft_ms), RANGE(0, 1e6), .unit = "ms",
     .when = "engine.draft_tokens", .doc = "added to a step per draft token"},
    {"engine", "overheads", KEY_TEXT, ENGINE(overheads), .preset_text = "auto", .when = OURS,
     .doc = "what an engine takes beside or instead of the times of its profile: an entry of "
            "presets/overheads.yaml, of which the keys below that are not set are taken; auto: the "
            "first that is for such a profile; none: the profile as it stands"},
    {"engine", "framework_version", KEY_TEXT, ENGINE(framework_version), .of_profile = true,
     .unset = "that of the profile", .when = "compat=none & engine.overheads=auto",
     .doc = "of the engine that is meant; chooses among the entries of overheads"},
    {"engine", "step_factor", KEY_NUMBER, OVERHEAD(step_factor, 1), RANGE(0.01, 100), .when = OURS,
     .doc = "of the GPU time of every step, for an engine faster or slower than the profile"},
    {"engine", "fixed_factor", KEY_NUMBER, OVERHEAD(fixed_factor, 1), RANGE(0.01, 100), OF_PARTS,
     .doc = "of the part of a step that does not grow with its tokens, such as reading weights; on "
            "top of step_factor"},
    {"engine", "token_factor", KEY_NUMBER, OVERHEAD(token_factor, 1), RANGE(0, 100), OF_PARTS,
     .doc = "of the part, without attention, that grows with the tokens of a step"},
    {"engine", "decode_attention_factor", KEY_NUMBER, OVERHEAD(decode_attention_factor, 1),
     RANGE(0, 100), OF_PARTS " & role=agg,decode", .doc = "of the attention of running sequences"},
    {"engine", "prefill_attention_factor", KEY_NUMBER, OVERHEAD(prefill_attention_factor, 1),
     RANGE(0, 100), OF_PARTS " & role=agg,prefill", .doc = "of the attention of prompt chunks"},
    {"engine", "host_ms_per_step", KEY_NUMBER, OVERHEAD(host_ms_per_step, 0), RANGE(-1000, 1e6),
     .unit = "ms", .when = OURS,
     .doc = "host time added to every step; below 0 it corrects a profile that is too slow"},
    {"engine", "host_us_per_seq", KEY_NUMBER, OVERHEAD(host_us_per_seq, 0), RANGE(0, 1e6),
     .unit = "us", .when = OURS, .doc = "host time added to every step, per running sequence"},
    {"engine", "prompt_step_least_ms", KEY_NUMBER, OVERHEAD(prompt_step_least_ms, 0),
     RANGE(0, MAX_MS), .unit = "ms", .when = OURS,
     .doc = "a step with prompts in it takes no less: its kernels are launched one by one, while "
            "decode steps are captured graphs"},
    {"engine", "queue_look_steps", KEY_NUMBER, OVERHEAD(queue_look_steps, 1), RANGE(1, 10000),
     .unit = "steps", .when = "compat=none & role=agg",
     .doc = "the queue is looked at once in so many decode steps (SGLang's "
            "scheduler-recv-interval)"},
    {"engine", "batch_wait_steps", KEY_NUMBER, OVERHEAD(batch_wait_steps, 0), RANGE(0, 10000),
     .unit = "steps", .when = "compat=none & role=agg",
     .doc = "prompts wait for so many decode steps, or until a step is worth it (TensorRT-LLM's "
            "batch_wait_timeout_iters)"},
    {"engine", "batch_wait_share", KEY_NUMBER, OVERHEAD(batch_wait_share, 1), RANGE(0, 1),
     .when = "engine.batch_wait_steps",
     .doc = "of max_num_batched_tokens: a step is worth it (batch_wait_max_tokens_ratio)"},
    {"engine", "eager_step_ms", KEY_NUMBER, OVERHEAD(eager_step_ms, 0), RANGE(0, 1e6), .unit = "ms",
     OF_PARTS,
     .doc = "added to a step of more tokens than CUDA graphs were captured for: its kernels are "
            "launched one by one"},
    {"engine", "graph_tokens", KEY_INT, ENGINE(graph_tokens), RANGE(1, MAX_TOK), .unit = "tokens",
     .unset = "2 x max_num_seqs, at most 512", OF_PARTS,
     .doc = "of the largest step that CUDA graphs were captured for; counts with eager_step_ms and "
            "graph_padding"},
    {"engine", "graph_padding", KEY_ENUM, OVERHEAD_TEXT(graph_padding, "false"),
     .choices = switches, OF_PARTS,
     .doc =
         "a step that runs as a CUDA graph computes as many tokens as that was captured for (1, "
         "2, 4, multiples of 8 to 256, of 16 beyond), on all data-parallel ranks; true for vLLM"},
    {"engine", "frontend_ms", KEY_NUMBER, OVERHEAD(frontend_ms, 0), RANGE(0, MAX_MS), .unit = "ms",
     .when = FRONT_END,
     .doc = "before the pool sees a request: HTTP, tokenisation, hand-over; part of TTFT and E2E"},
    {"engine", "frontend_us_per_tok", KEY_NUMBER, OVERHEAD(frontend_us_per_tok, 0), RANGE(0, 1e6),
     .unit = "us", .when = FRONT_END, .doc = "the same, per prompt token"},
    {"engine", "kv_capacity_factor", KEY_NUMBER, OVERHEAD(kv_capacity_factor, 1), RANGE(0.01, 10),
     .when = OURS, .doc = "of the KV tokens that the profile holds, where kv_blocks is not set"},
    {"engine", "prompt_factor", KEY_NUMBER, ENGINE(prompt_factor), RANGE(0.01, 100), .preset = 1,
     .when = FRONT_END,
     .doc = "what if prompts take so many times as long: what they add to a step, and the front "
            "end; on top of everything above"},
    {"engine", "decode_factor", KEY_NUMBER, ENGINE(decode_factor), RANGE(0.01, 100), .preset = 1,
     .when = "compat=none & role=agg,decode",
     .doc = "the same of running sequences: a step without prompts, host time included"},
    {"engine", "stream_interval", KEY_INT, ENGINE(stream_interval), RANGE(1, 100000), .preset = 1,
     .unit = "tokens", .when = "compat=none & role=agg,decode",
     .doc = "sent to the client at a time: its first token comes with the engine's so many-th. The "
            "policy and client.first_token_timeout_s see the engine's own"},
    {"engine", "cold_start_ms", KEY_NUMBER, ENGINE(cold_start_ms), RANGE(0, MAX_MS), .unit = "ms",
     .when = OURS, .doc = "extra on the first step of a fresh worker"},

    {"cluster", "nodes", KEY_INT, TOP(cluster.nodes), RANGE(0, MAX_WORKERS), .unit = "nodes",
     .when = OURS, .doc = "a worker for which none has room waits; 0 = as many as needed"},
    {"cluster", "gpus_per_node", KEY_INT, TOP(cluster.gpus_per_node), RANGE(1, 1024), .preset = 8,
     .unit = "GPUs", .when = OURS,
     .doc = "a worker is on one node, or, if it has more GPUs, on whole nodes"},
    {"cluster", "placement", KEY_ENUM, TOP(cluster.placement), .choices = placements,
     .preset_text = "pack", .when = OURS,
     .doc = "node of a new worker: the one with the fewest free GPUs that has room, or the one "
            "with the most"},

    {"arbiter", "type", KEY_ENUM, TOP(arbiter.type), .choice = arbiter_choice,
     .preset_text = "none", .when = OURS,
     .doc =
         "none: each gets what it asks for, as far as there are GPUs; global: as the reference's "
         "global planner; priority: the most urgent first; fair_share: equal shares by weight"},
    {"arbiter", "max_gpus", KEY_INT, TOP(arbiter.max_gpus), RANGE(0, 1e9), .unit = "GPUs",
     .when = SHARED,
     .doc =
         "held by the workers of all deployments together, at any time; 0 = those of the cluster"},
    {"arbiter", "min_gpus", KEY_INT, TOP(arbiter.min_gpus), RANGE(0, 1e9), .unit = "GPUs",
     .when = "arbiter.type=global", .doc = "a request that would leave fewer in all is rejected"},
    {"arbiter", "wish_ttl_s", KEY_NUMBER, TOP(arbiter.wish_ttl_s), RANGE(0, MAX_S), .preset = 360,
     .unit = "s", .when = SHARED,
     .doc = "what was asked for so long ago and not granted is not wanted any more; 0 = never"},
    {"share", "priority", KEY_INT, TOP(share.priority), RANGE(0, 1e6),
     .when = "arbiter.type=priority", .doc = "lower goes first"},
    {"share", "weight", KEY_NUMBER, TOP(share.weight), ABOVE(0, 1e6), .preset = 1,
     .when = SHARES_OUT, .doc = "of its share, beside those of the others"},
    {"share", "guaranteed_gpus", KEY_INT, TOP(share.guaranteed_gpus), RANGE(-1, 1e9), .preset = -1,
     .unit = "GPUs", .when = SHARES_OUT,
     .doc = "that it gets, if it wants them, before any other has more than its own; -1 = one "
            "worker of each pool"},

    {"endpoint", "by", KEY_ENUM, TOP(endpoint.by), .choice = endpoint_choice, .preset_text = "none",
     .when = OURS,
     .doc = "none: each deployment has requests of its own; else the requests of the trace, or "
            "traffic, at the top level are shared out: class: each goes to the first deployment "
            "whose `serves` it fits, in their order; grid: to the pools that the mappings below "
            "name"},
    {"endpoint", "prefill_pool_mapping", KEY_POOLS, TOP(endpoint.prefill_pool_mapping),
     .unset = "none", .when = BY_GRID,
     .doc = "for each step of prompt lengths, for each step of TTFT targets: the deployment whose "
            "pool prefill computes the prompt"},
    {"endpoint", "decode_pool_mapping", KEY_POOLS, TOP(endpoint.decode_pool_mapping),
     .unset = "none", .when = BY_GRID,
     .doc = "for each step of context lengths, for each step of ITL targets: the deployment whose "
            "pool decode it goes to then"},
    {"endpoint", "agg_pool_mapping", KEY_POOLS, TOP(endpoint.agg_pool_mapping), .unset = "none",
     .when = BY_GRID,
     .doc = "instead of these two, for deployments with a pool agg: for each step of TTFT targets, "
            "for each step of ITL targets, with isl_resolution above 1 for each step of prompt "
            "lengths first"},
    {"endpoint", "isl_min", KEY_NUMBER, TOP(endpoint.isl.min), RANGE(0, TRACE_TOK_MAX),
     .preset = NAN, .unset = "required with isl_resolution above 1", .unit = "tokens",
     .when = BY_GRID " & endpoint.isl_resolution",
     .doc = "length of the prompt: where the first step begins"},
    {"endpoint", "isl_max", KEY_NUMBER, TOP(endpoint.isl.max), RANGE(0, TRACE_TOK_MAX),
     .preset = NAN, .unset = "required with isl_resolution above 1", .unit = "tokens",
     .when = BY_GRID " & endpoint.isl_resolution", .doc = "where the last step ends"},
    {"endpoint", "isl_resolution", KEY_INT, TOP(endpoint.isl.resolution), RANGE(1, 1000),
     .preset = 1, .unit = "steps", .when = BY_GRID,
     .doc = "equal steps; values beyond the ends belong to the last ones"},
    {"endpoint", "ttft_min_ms", KEY_NUMBER, TOP(endpoint.ttft.min), RANGE(0, MAX_MS), .preset = NAN,
     .unset = "required with ttft_resolution above 1", .unit = "ms",
     .when = BY_GRID " & endpoint.ttft_resolution",
     .doc = "target of TTFT of the request: where the first step begins"},
    {"endpoint", "ttft_max_ms", KEY_NUMBER, TOP(endpoint.ttft.max), RANGE(0, MAX_MS), .preset = NAN,
     .unset = "required with ttft_resolution above 1", .unit = "ms",
     .when = BY_GRID " & endpoint.ttft_resolution", .doc = "where the last step ends"},
    {"endpoint", "ttft_resolution", KEY_INT, TOP(endpoint.ttft.resolution), RANGE(1, 1000),
     .preset = 1, .unit = "steps", .when = BY_GRID,
     .doc = "equal steps; values beyond the ends belong to the last ones"},
    {"endpoint", "itl_min_ms", KEY_NUMBER, TOP(endpoint.itl.min), RANGE(0, MAX_MS), .preset = NAN,
     .unset = "required with itl_resolution above 1", .unit = "ms",
     .when = BY_GRID " & endpoint.itl_resolution",
     .doc = "target of ITL of the request: where the first step begins"},
    {"endpoint", "itl_max_ms", KEY_NUMBER, TOP(endpoint.itl.max), RANGE(0, MAX_MS), .preset = NAN,
     .unset = "required with itl_resolution above 1", .unit = "ms",
     .when = BY_GRID " & endpoint.itl_resolution", .doc = "where the last step ends"},
    {"endpoint", "itl_resolution", KEY_INT, TOP(endpoint.itl.resolution), RANGE(1, 1000),
     .preset = 1, .unit = "steps", .when = BY_GRID,
     .doc = "equal steps; values beyond the ends belong to the last ones"},
    {"endpoint", "context_length_min", KEY_NUMBER, TOP(endpoint.context_length.min),
     RANGE(0, TRACE_TOK_MAX), .preset = NAN,
     .unset = "required with context_length_resolution above 1", .unit = "tokens",
     .when = BY_GRID " & endpoint.context_length_resolution",
     .doc = "what the decode pool gets, which is the prompt: where the first step begins"},
    {"endpoint", "context_length_max", KEY_NUMBER, TOP(endpoint.context_length.max),
     RANGE(0, TRACE_TOK_MAX), .preset = NAN,
     .unset = "required with context_length_resolution above 1", .unit = "tokens",
     .when = BY_GRID " & endpoint.context_length_resolution", .doc = "where the last step ends"},
    {"endpoint", "context_length_resolution", KEY_INT, TOP(endpoint.context_length.resolution),
     RANGE(1, 1000), .preset = 1, .unit = "steps",
     .when = BY_GRID " & endpoint.decode_pool_mapping",
     .doc = "equal steps; values beyond the ends belong to the last ones"},
    {"endpoint", "prefill_priority_overrides", KEY_RULES, TOP(endpoint.prefill_priority_overrides),
     .choices = pool_rule_members, .when = BY_GRID " & endpoint.prefill_pool_mapping",
     .doc = "requests of such priorities go to that pool, whatever the grid says; the first rule "
            "that fits"},
    {"endpoint", "decode_priority_overrides", KEY_RULES, TOP(endpoint.decode_priority_overrides),
     .choices = pool_rule_members, .when = BY_GRID " & endpoint.decode_pool_mapping",
     .doc = "the same for decode_pool_mapping"},
    {"endpoint", "agg_priority_overrides", KEY_RULES, TOP(endpoint.agg_priority_overrides),
     .choices = pool_rule_members, .when = BY_GRID " & endpoint.agg_pool_mapping",
     .doc = "the same for agg_pool_mapping"},
    {"endpoint", "enable_priority_retry", KEY_BOOL, TOP(endpoint.enable_priority_retry),
     .when = BY_GRID,
     .doc = "where no worker of the chosen pool is ready, the request goes to a faster one: the "
            "nearest before it in the order of the deployments"},
    {"endpoint", "targets", KEY_RULES, TOP(endpoint.targets), .choices = target_rule_members,
     .when = BY_GRID,
     .doc = "targets of requests of such priorities, by which they are routed and judged; the "
            "first rule that fits; the others are judged by `sla`"},
    {"endpoint", "default_ttft_target_ms", KEY_NUMBER, TOP(endpoint.default_ttft_target_ms),
     RANGE(0, MAX_MS), .preset = NAN, .unset = "the middle of the range", .unit = "ms",
     .when = BY_GRID " & endpoint.ttft_resolution",
     .doc = "for routing, of requests that have no target"},
    {"endpoint", "default_itl_target_ms", KEY_NUMBER, TOP(endpoint.default_itl_target_ms),
     RANGE(0, MAX_MS), .preset = NAN, .unset = "the middle of the range", .unit = "ms",
     .when = BY_GRID " & endpoint.itl_resolution",
     .doc = "for routing, of requests that have no target"},
    {"serves", "isl_tok", KEY_RANGE, TOP(serves.isl_tok), RANGE(0, TRACE_TOK_MAX), .unset = "any",
     .unit = "tokens", .when = BY_CLASS, .doc = "prompts of such lengths"},
    {"serves", "osl_tok", KEY_RANGE, TOP(serves.osl_tok), RANGE(0, TRACE_TOK_MAX), .unset = "any",
     .unit = "tokens", .when = BY_CLASS, .doc = "outputs of such lengths, as if they were known"},
    {"serves", "priority", KEY_RANGE, TOP(serves.priority), RANGE(0, UINT32_MAX), .unset = "any",
     .when = BY_CLASS,
     .doc = "of the request, as its trace says, 0 where it says none; beside the lengths"},
    {"serves", "also_priority", KEY_RANGE, TOP(serves.also_priority), RANGE(0, UINT32_MAX),
     .unset = "none", .when = BY_CLASS,
     .doc = "requests of such a priority too, whatever else they are, before any other deployment"},

    {"pools.POOL", "replicas", KEY_INT, POOL(replicas), RANGE(0, MAX_WORKERS), .required = true,
     .unit = "workers", .doc = "ready at the start"},
    {"pools.POOL", "gpus_per_worker", KEY_INT, POOL(gpus_per_worker), RANGE(1, 1024),
     .of_profile = true, .unset = "those of the profile", .unit = "GPUs",
     .doc = "held by one worker"},
    {"pools.POOL", "router", KEY_ENUM, POOL(router), .choice = router_choice,
     .unset = "as `router` says", .doc = "router of this pool"},

    {"", "router", KEY_ROUTER, TOP(router), .choice = router_choice, .preset_text = "round_robin",
     .doc = "which worker of a pool gets a request; a name, or a map of pool to name"},

    {"kv_router", "overlap_weight", KEY_NUMBER, TOP(kv_router.overlap_weight), RANGE(0, 1e6),
     .preset = 1, .when = "router=kv_aware",
     .doc = "taken off the prompt blocks to compute, per block the worker has cached"},
    {"kv_router", "prefill_weight", KEY_NUMBER, TOP(kv_router.prefill_weight), RANGE(0, 1e6),
     .preset = 1, .when = "router=kv_aware",
     .doc = "cost of a prompt block to compute; a prompt block in use costs 1"},
    {"kv_router", "request_weight", KEY_NUMBER, TOP(kv_router.request_weight), RANGE(0, 1e6),
     .when = "router=kv_aware", .doc = "cost of a request that is waiting or running, in blocks"},
    {"kv_router", "temperature", KEY_NUMBER, TOP(kv_router.temperature), RANGE(0, 1e6),
     .when = "router=kv_aware",
     .doc = "0: the lowest cost wins; above, a worker is drawn with a probability in proportion to "
            "exp(-cost / range of the costs / temperature)"},

    {"router_view", "interval_s", KEY_NUMBER, TOP(router_view.interval_s), RANGE(0, MAX_S),
     .least = 0.001, .unit = "s", .when = OURS " & " BY_LOAD,
     .doc = "every worker publishes its load (requests, prompt tokens, prompt blocks) once in so "
            "long; 0: it is "
            "known as it is. Which blocks a worker has cached is always known as it is"},
    {"router_view", "own_requests", KEY_BOOL, TOP(router_view.own_requests), .preset = 1,
     .when = "router_view.interval_s",
     .doc = "the router adds what it has sent a worker since that worker last published; false: it "
            "goes by what "
            "was published alone"},

    {"router_queue", "threshold", KEY_NUMBER, TOP(router_queue.threshold), RANGE(0, 1e6),
     .preset = NAN, .unset = "none is held", .unit = "max_num_batched_tokens", .when = OURS,
     .doc = "requests are held while every worker has more than so many prompt tokens whose first "
            "output token is "
            "not out; then the router chooses among all workers, as always"},
    {"router_queue", "order", KEY_ENUM, TOP(router_queue.order), .choices = hold_orders,
     .preset_text = "fcfs", .when = "router_queue.threshold",
     .doc = "which held request goes first: by arrival, by prompt length, or by the trace's "
            "`priority`"},

    {"disagg", "local_prefill_max_tok", KEY_INT, TOP(disagg.local_prefill_max_tok),
     RANGE(0, MAX_TOK), .unit = "tokens", .when = OURS " & " DISAGG " & endpoint.by!=grid",
     .doc = "when at most so many tokens of it are not cached on the decode worker it would go to; "
            "0 = never"},
    {"disagg", "max_prefill_queue", KEY_INT, TOP(disagg.max_prefill_queue), RANGE(0, MAX_TOK),
     .unit = "requests", .when = OURS " & " DISAGG " & endpoint.by!=grid",
     .doc = "also when at least so many wait in the prefill pool; 0 = never"},

    {"kv_transfer", "bytes_per_token", KEY_NUMBER, TOP(kv_transfer.bytes_per_token), RANGE(0, 1e9),
     .of_profile = true, .preset = NAN, .unset = "what the profile says, else 131072",
     .unit = "bytes", .when = "pools=disagg | engine.host_kv_blocks",
     .doc = "KV cache of one prompt token"},
    {"kv_transfer", "bandwidth_gb_s", KEY_NUMBER, TOP(kv_transfer.bandwidth_gb_s), RANGE(1e-6, 1e9),
     .preset = 64, .unit = "10^9 bytes/s", .when = DISAGG " & " PAID, .doc = "of one transfer"},
    {"kv_transfer", "local_bandwidth_gb_s", KEY_NUMBER, TOP(kv_transfer.local_bandwidth_gb_s),
     RANGE(1e-6, 1e9), .preset = NAN, .unset = "as bandwidth_gb_s", .unit = "10^9 bytes/s",
     .when = OURS " & " DISAGG " & endpoint.by!=grid", .doc = "of a transfer within a node"},
    {"kv_transfer", "tokens", KEY_ENUM, TOP(kv_transfer.tokens), .choices = transfer_choices,
     .unset = "missing; with compat dynosim, prompt", .when = DISAGG " & " PAID,
     .doc = "what is sent: the blocks the decode worker has not cached, or the whole prompt"},
    {"kv_transfer", "links_per_node", KEY_INT, TOP(kv_transfer.links_per_node), .of_run = true,
     RANGE(0, 1024), .unit = "links", .when = OURS " & " DISAGG " & endpoint.by!=grid",
     .doc = "network links of a node; a transfer between nodes takes one at either end, and waits "
            "for it; 0 = "
            "transfers never wait"},
    {"kv_transfer", "latency_ms", KEY_NUMBER, TOP(kv_transfer.latency_ms), RANGE(0, MAX_MS),
     .unit = "ms", .when = OURS " & " DISAGG " & endpoint.by!=grid",
     .doc = "added to every transfer"},

    {"client", "first_token_timeout_s", KEY_NUMBER, TOP(client.first_token_timeout_s),
     RANGE(0, MAX_S), .unit = "s", .when = OURS,
     .doc = "the client gives up when no token has come after so long; 0 = never"},
    {"client", "max_attempts", KEY_INT, TOP(client.max_attempts), RANGE(0, 1e6), .unit = "attempts",
     .when = "scale_down.lost_requests=retry",
     .doc = "with scale_down.lost_requests retry: gives up after so many; 0 = never"},
    {"client", "backoff_s", KEY_NUMBER, TOP(client.backoff_s), RANGE(0, MAX_S), .unit = "s",
     .when = "scale_down.lost_requests=retry",
     .doc = "wait before the second attempt, doubled before each further one; 0 = at once"},
    {"client", "timeout_s", KEY_NUMBER, TOP(client.timeout_s), RANGE(0, MAX_S), .unit = "s",
     .when = OURS,
     .doc = "the client gives up when not all tokens have come after so long; 0 = never"},

    {"startup", "preset", KEY_PRESET, TOP(startup.preset), .unset = "none",
     .presets = "startup.yaml", .when = STARTS,
     .doc = "keys of this section under one name (`headroom list presets`), from published "
            "figures; what "
            "stands beside it wins"},
    {"startup", "delay_s", KEY_NUMBER, TOP(startup.delay_s), RANGE(0, MAX_S), .preset = 30,
     .unit = "s", .when = STARTS,
     .doc = "from the decision to the first routable moment; the phases below add to it"},
    {"startup", "schedule_s", KEY_NUMBER, TOP(startup.schedule_s), RANGE(0, MAX_S), .unit = "s",
     .when = STARTS, .doc = "phase: a node is found"},
    {"startup", "image_pull_s", KEY_NUMBER, TOP(startup.image_pull_s), RANGE(0, MAX_S), .unit = "s",
     .when = STARTS, .doc = "phase: the container image arrives"},
    {"startup", "image_cached_s", KEY_NUMBER, TOP(startup.image_cached_s), RANGE(0, MAX_S),
     .unit = "s",
     .when = OURS " & " STARTS " & "
                  "startup.image_pull_s",
     .doc = "the same on a node where a worker has started before"},
    {"startup", "weights_s", KEY_NUMBER, TOP(startup.weights_s), RANGE(0, MAX_S), .unit = "s",
     .when = STARTS, .doc = "phase: the weights are loaded from storage"},
    {"startup", "weights_cached_s", KEY_NUMBER, TOP(startup.weights_cached_s), RANGE(0, MAX_S),
     .preset = NAN, .unset = "as weights_s", .unit = "s",
     .when = OURS " & " STARTS " & "
                  "startup.weights_s",
     .doc = "the same on a node that has loaded them before, if that is faster"},
    {"startup", "weights_peer_s", KEY_NUMBER, TOP(startup.weights_peer_s), RANGE(0, MAX_S),
     .preset = NAN, .unset = "not done", .unit = "s",
     .when = OURS " & " STARTS " & "
                  "startup.weights_s",
     .doc = "the same from a ready worker with the same profile, if that is faster"},
    {"startup", "warmup_s", KEY_NUMBER, TOP(startup.warmup_s), RANGE(0, MAX_S), .unit = "s",
     .when = STARTS, .doc = "phase: compilation, graph capture, first step"},
    {"startup", "cv", KEY_NUMBER, TOP(startup.cv), RANGE(0, 10), .when = OURS " & " STARTS,
     .doc = "coefficient of variation of each phase (log-normal); 0: always the mean"},
    {"startup", "failure_probability", KEY_NUMBER, TOP(startup.failure_probability), RANGE(0, 0.99),
     .when = OURS " & " STARTS,
     .doc = "that a start fails at its end and begins again on the GPUs it holds"},
    {"startup", "retry_s", KEY_NUMBER, TOP(startup.retry_s), RANGE(0, MAX_S), .preset = 10,
     .unit = "s", .when = "startup.failure_probability",
     .doc = "wait before it does, doubled with each failure up to 300 (Kubernetes: 10)"},

    {"scale_down", "mode", KEY_ENUM, TOP(scale_down.mode), .choices = scale_down_modes,
     .preset_text = "drain", .when = OURS " & " SCALES,
     .doc = "drain: the worker finishes what it has; terminate: that is lost"},
    {"scale_down", "grace_s", KEY_NUMBER, TOP(scale_down.grace_s), RANGE(0, MAX_S), .preset = 600,
     .unit = "s",
     .when = OURS " & " SCALES " & "
                  "scale_down.mode=drain",
     .doc = "a draining worker is killed after this long"},
    {"scale_down", "lost_requests", KEY_ENUM, TOP(scale_down.lost_requests),
     .choices = lost_choices, .preset_text = "fail", .when = OURS " & " STARTS,
     .doc = "what the client does: gives up, or sends the request again at once"},

    {"scale_down", "victim", KEY_ENUM, TOP(scale_down.victim), .choices = victims,
     .preset_text = "newest", .when = OURS " & " SCALES, .doc = "the ready worker that goes first"},
    {"scale_down", "call_back", KEY_BOOL, TOP(scale_down.call_back), .when = OURS " & " SCALES,
     .doc = "a scale-up takes draining workers back before it starts new ones"},

    {"failures", "worker_mtbf_h", KEY_NUMBER, TOP(failures.worker_mtbf_h), RANGE(0, MAX_H),
     .least = 1e-6, .unit = "h", .when = OURS,
     .doc = "mean time between failures of one worker (exponential); it loses what it has, and "
            "another is started; 0 = none fail"},
    {"failures", "node_mtbf_h", KEY_NUMBER, TOP(failures.node_mtbf_h), .of_run = true,
     RANGE(0, MAX_H), .least = 1e-6, .unit = "h", .when = OURS,
     .doc = "mean time between failures of one node (exponential), with all its workers; 0 = none "
            "fail"},
    {"failures", "node_repair_h", KEY_NUMBER, TOP(failures.node_repair_h), .of_run = true,
     RANGE(0, MAX_H), .preset = 1, .unit = "h", .when = "failures.node_mtbf_h",
     .doc = "until a failed node is back; 0 = never"},
    {"failures", "spot_mtbf_h", KEY_NUMBER, TOP(failures.spot_mtbf_h), .of_run = true,
     RANGE(0, MAX_H), .least = 1e-6, .unit = "h", .when = OURS,
     .doc = "mean time until a node is reclaimed (exponential); 0 = none is"},
    {"failures", "spot_notice_s", KEY_NUMBER, TOP(failures.spot_notice_s), .of_run = true,
     RANGE(0, MAX_S), .preset = 120, .unit = "s", .when = "failures.spot_mtbf_h",
     .doc =
         "between the notice, when its workers begin to drain and others are started, and its end"},
    {"failures", "spot_return_h", KEY_NUMBER, TOP(failures.spot_return_h), .of_run = true,
     RANGE(0, MAX_H), .preset = 1, .unit = "h", .when = "failures.spot_mtbf_h",
     .doc = "until a reclaimed node is replaced by an empty one; 0 = never"},

    {"metrics", "idle_workers", KEY_BOOL, TOP(metrics.idle_workers), .when = OURS " & " GAUGES,
     .doc = "workers publish their load from the moment they are ready; false, as with Dynamo's "
            "router: from "
            "their first request on"},
    {"metrics", "any_router", KEY_BOOL, TOP(metrics.any_router), .when = OURS " & " GAUGES,
     .doc = "every router publishes the load of its workers; false, as with Dynamo: kv_aware only"},
    {"metrics", "scrape_interval_s", KEY_NUMBER, TOP(metrics.scrape_interval_s), RANGE(0, MAX_S),
     .least = 0.01, .preset = NAN, .unset = "5, as in Dynamo's PodMonitor; with compat dynosim, 0",
     .unit = "s", .when = SCALES,
     .doc =
         "Prometheus knows the traffic counters at these moments only; 0 = whenever it is asked"},
    {"metrics", "outage_at_s", KEY_NUMBER, TOP(metrics.outage_at_s), RANGE(0, MAX_S), .unit = "s",
     .when = "metrics.outage_s", .doc = "from here on nothing can be scraped or queried"},
    {"metrics", "outage_s", KEY_NUMBER, TOP(metrics.outage_s), RANGE(0, MAX_S), .unit = "s",
     .when = OURS " & " SCALES, .doc = "for so long; 0 = no outage"},

    {"policy", "type", KEY_ENUM, TOP(policy.type), .choice = policy_choice,
     .planned = planned_policies, .preset_text = "static", .doc = "the policy"},
    {"policy", "config", KEY_PATH, TOP(policy.file), .unset = "none",
     .doc = "Dynamo's own planner configuration file, YAML or JSON; what stands beside it in "
            "`policy` wins, `sla` does not"},
    {"policy", "generation", KEY_ENUM, TOP(policy.generation), .choice = generation_choice,
     .preset_text = "1.0.2", .when = "policy.type=planner",
     .doc = "release of Dynamo whose planner it is; each has keys of its own"},

    {"limits", "stall_s", KEY_NUMBER, TOP(limits.stall_s), RANGE(1, MAX_S), .preset = NAN,
     .unset = "3600, and on top of it the waits that the scenario sets", .unit = "s",
     .doc = "the run ends when after the last arrival no request has ended or had an engine step "
            "for so long (waits: start-up, repair and return of nodes, time-outs and back-off)"},
    {"limits", "simulated_s", KEY_NUMBER, TOP(limits.simulated_s), RANGE(1, MAX_S),
     .preset = 31536000, .unit = "s", .doc = "the run ends when its clock is there"},
    {"limits", "events", KEY_INT, TOP(limits.events), RANGE(1, 1e15), .preset = 100000000,
     .unit = "events",
     .doc = "the run ends when so many have passed without a request that came or ended (samples "
            "and windows are none)"},

    {"output", "sample_s", KEY_NUMBER, TOP(output.sample_s), RANGE(0, MAX_S), .least = 0.001,
     .preset = 10, .unit = "s", .doc = "between two rows of timeline.csv; 0 = none"},

    {"cost", "preset", KEY_PRESET, TOP(cost.preset), .unset = "none", .presets = "prices.yaml",
     .doc = "keys of this section under one name (`headroom list presets`), as a provider "
            "published them; "
            "what stands beside it wins"},
    {"cost", "currency", KEY_TEXT, TOP(cost.currency), .preset_text = "USD",
     .when = "cost.per_gpu_hour", .doc = "of the prices"},
    {"cost", "per_gpu_hour", KEY_PRICES, TOP(cost.per_gpu_hour), RANGE(0, 1e9),
     .doc = "price; a number, or a map of GPU type to number; 0 = no cost is reported"},

    {"", "expect", KEY_EXPECT, TOP(expect), .of_run = true,
     .doc = "figures of summary.json that must hold, such as `attainment.overall >= 0.9`; "
            "if one does not, the exit status is 1"},
    {"", "compare", KEY_COMPARE, TOP(compare), .of_run = true,
     .doc = "figures that the verb check compares with its baseline: `key`, how much worse it may "
            "be (`absolute`, or `relative` as a share of the baseline's; none when neither is "
            "given), with `statistical` (such as 0.99) only what is so over replicates of the "
            "traffic and with that confidence, and which side is `worse` (lower, higher, either; "
            "of each figure the natural one when not said); docs/ci.md"},
    {.name = NULL},
};

const struct key *scenario_key_find(const char *section, const char *name)
{
    for (const struct key *key = scenario_keys; key->name; key++) {
        if (strcmp(key->name, name) == 0 && strcmp(key->section, section) == 0)
            return key;
    }
    return NULL;
}

const struct scenario_section *scenario_section_find(const char *name)
{
    for (const struct scenario_section *s = scenario_sections + 1; s->name; s++) {
        if (strcmp(s->name, name) == 0)
            return s;
    }
    return NULL;
}

bool scenario_is_section(const char *name)
{
    return scenario_section_find(name) != NULL;
}

bool scenario_key_of_run(const struct key *key)
{
    const struct scenario_section *section = scenario_section_find(key->section);

    return key->of_run || (section && section->of_run);
}
