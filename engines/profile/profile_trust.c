#include "engines/profile/profile_trust.h"

#include <fnmatch.h>

#include "util/bug.h"

/* Whom a text is about: shell patterns, NULL = any; tp from..to, 0 = any. */
struct rule {
    const char *kind; /* of rules that say what was checked */
    const char *source, *gpu, *framework, *model;
    int64_t tp_from, tp_to;
    const char *text;
};

/* Of AIConfigurator's kernel tables, made by hand from 0.7.0, or by scripts/build_profiles. */
#define ESTIMATE "estimate*"
#define ESTIMATE_07 "estimate by*"
#define ESTIMATE_BUILT "estimated:*"
#define LAYERS "sum of layer times*"
#define EXPERTS_UNCHECKED                                                                          \
    "Not checked against a running engine. Expect errors of 10 to 25 %, more where routing and "   \
    "dispatch of experts weigh in."

#define FULL_BANDWIDTH                                                                             \
    "Decode attention at large batch and context runs at the memory's peak bandwidth: perhaps 10 " \
    "% too fast there."

/* The first that fits counts. */
static const struct rule checks[] = {
    {.kind = "measured",
     .source = "measured*",
     .text = "Measured on a running engine, host work included."},
    {.kind = "estimated",
     .source = ESTIMATE_07,
     .gpu = "h[12]00_sxm",
     .framework = "vllm",
     .model = "*Llama-3*",
     .tp_from = 1,
     .tp_to = 4,
     .text = "Checked against measured sweeps of the same GPUs (8B on H200 with TP1, 70B on H100 "
             "with TP2 and TP4): decode steps mostly within 10 % up to 256 sequences, 15 to 40 % "
             "too fast beyond; TTFT within 15 to 20 % from 2,000 tokens, too fast by a quarter to "
             "a half for short prompts."},
    {.kind = "estimated",
     .source = ESTIMATE_07,
     .gpu = "h[12]00_sxm",
     .framework = "vllm",
     .model = "*Llama-3*",
     .tp_from = 8,
     .tp_to = 8,
     .text =
         "Checked against a measured sweep (70B on H100 with TP8): decode steps within 10 % up to "
         "256 sequences, about 15 % too fast beyond; TTFT about 25 % too slow from 2,000 tokens."},
    {.kind = "estimated", .source = ESTIMATE_07, .model = "*DeepSeek*", .text = EXPERTS_UNCHECKED},
    {.kind = "estimated", .source = ESTIMATE_07, .model = "*Mixtral*", .text = EXPERTS_UNCHECKED},
    {.kind = "estimated", .source = ESTIMATE_07, .model = "*gpt-oss*", .text = EXPERTS_UNCHECKED},
    {.kind = "estimated", .source = ESTIMATE_07, .model = "*-A[0-9]*B*", .text = EXPERTS_UNCHECKED},
    {.kind = "estimated",
     .source = ESTIMATE_07,
     .text = "Not checked against a running engine. Made as those that were: expect errors of 10 "
             "to 25 %."},
    {.kind = "estimated",
     .source = ESTIMATE,
     .text = "Compared with measured points where there are any of the same engine, by model, GPU "
             "and framework (scripts/validate_measured). Elsewhere expect errors of 10 to 25 %, "
             "more with experts."},
    {.kind = "summed",
     .source = LAYERS,
     .gpu = "rtx4090",
     .text = "A recorded run of the same engine, replayed with it, agrees within 2 %."},
    {.kind = "summed",
     .source = LAYERS "*expert_tables*",
     .text = "A recorded run of the same engine, replayed with it, agrees within 1 % in TPOT and "
             "5 % in TTFT."},
    {.kind = "summed",
     .source = LAYERS "collectives*",
     .model = "*-A[0-9]*B*",
     .text = "A recorded run of the same engine, replayed with it, agrees within 4 % in TPOT and "
             "16 % in mean TTFT."},
    {.kind = "summed",
     .source = LAYERS "collectives*",
     .text = "A recorded run of the same engine, replayed with it, agrees within 2 %."},
    {.kind = "summed", .source = LAYERS, .text = "Not checked against a running engine."},
    {.kind = "not said",
     .text = "The file does not say where its numbers come from in a known form."},
};

/* All that fit count. */
static const struct rule notes[] = {
    {.source = "measured*",
     .model = "*8B*",
     .text = "The engine ran 1,024 sequences at most: points of more were queued."},
    {.source = "measured*",
     .model = "*70B*",
     .text = "A step of several sequences of 16,000 tokens and more holds prefill of other "
             "requests, up to half of it (decode_points_purity)."},
    {.source = "measured*",
     .model = "*70B*",
     .tp_from = 4,
     .tp_to = 4,
     .text =
         "The KV capacity is that of TP2; this engine holds about 3 times as much. Set kv_blocks."},
    {.source = "measured*",
     .model = "*70B*",
     .tp_from = 8,
     .tp_to = 8,
     .text =
         "The KV capacity is that of TP2; this engine holds about 7 times as much. Set kv_blocks."},
    {.source = "measured*",
     .model = "*70B*",
     .tp_from = 8,
     .tp_to = 8,
     .text = "TTFT at 6,205 tokens (498 ms) is an outlier."},
    {.source = ESTIMATE,
     .text =
         "GPU time alone. What an engine takes beside it is added by engine.overheads, where it "
         "was measured of such engines (docs/overheads.md)."},
    {.source = ESTIMATE_07,
     .text =
         "Of older kernel tables: with several GPUs decode steps come out 15 to 25 % too slow, of "
         "DeepSeek 60 to 90 %. Where there is a profile of this name and @VERSION, it is nearer "
         "to what was measured."},
    {.source = ESTIMATE_07,
     .gpu = "h[12]00_sxm",
     .framework = "vllm",
     .model = "*70B*",
     .tp_from = 2,
     .tp_to = 8,
     .text = "Few sequences of 16,000 tokens and more decode 10 (TP2) to 30 % (TP8) faster than "
             "this says."},
    {.source = ESTIMATE_07, .framework = "trtllm", .text = FULL_BANDWIDTH},
    {.source = ESTIMATE_07, .gpu = "b200_sxm", .framework = "vllm", .text = FULL_BANDWIDTH},
    {.source = ESTIMATE,
     .gpu = "l40s",
     .text =
         "Kernel times of the L40S hold points served from its cache: take all of it as rough."},
    {.source = ESTIMATE_07,
     .gpu = "b200_sxm",
     .framework = "vllm",
     .model = "*Qwen3-235B*",
     .text = "Suspect: a step of few sequences (33 ms) is slower than on H200 (13 ms)."},
    {.source = ESTIMATE,
     .model = "*gpt-oss*",
     .text = "The KV capacity counts every layer in full although half of them look back 128 "
             "tokens: up to 2 times too low."},
    {.source = ESTIMATE,
     .model = "*DeepSeek*",
     .text = "Without multi-token prediction. The shapes are those of R1 too."},
    {.source = ESTIMATE_BUILT,
     .gpu = "b200_sxm",
     .framework = "trtllm",
     .model = "*DeepSeek*",
     .text = "NVFP4: kernels of up to 128 tokens are those TensorRT-LLM takes at any number; those "
             "above take up to 2 times as long."},
    {.source = ESTIMATE_BUILT,
     .model = "*GLM-5*",
     .text = "Attention of a prompt takes 35 ms at least, however short: kernels one by one, which "
             "an engine may do faster."},
    {.source = ESTIMATE,
     .text = "Prompts above 16,384 tokens are extrapolated as one pass; an engine cuts them into "
             "chunks."},
    {.source = LAYERS,
     .text =
         "Straight lines beyond 2,048 tokens a step, contexts of 16,384 tokens or 256 sequences."},
    {.source = LAYERS "collectives*", .text = "Collectives are modelled, not measured."},
};

enum { N_CHECKS = sizeof checks / sizeof checks[0], N_NOTES = sizeof notes / sizeof notes[0] };

static bool fits(const char *pattern, const char *text)
{
    return !pattern || fnmatch(pattern, text, 0) == 0;
}

static bool rule_fits(const struct rule *rule, const struct profile *p)
{
    return fits(rule->source, p->source) && fits(rule->gpu, p->gpu_type) &&
           fits(rule->framework, p->framework) && fits(rule->model, p->model) &&
           (rule->tp_to == 0 || (rule->tp_from <= p->tp && p->tp <= rule->tp_to));
}

struct profile_trust profile_trust(const struct profile *profile)
{
    struct profile_trust trust = {.n_notes = 0};
    size_t i = 0;
    while (!rule_fits(&checks[i], profile))
        i++; /* the last fits all */
    trust.kind = checks[i].kind;
    trust.checked = checks[i].text;
    for (size_t k = 0; k < N_NOTES; k++) {
        if (!rule_fits(&notes[k], profile))
            continue;
        if (trust.n_notes == PROFILE_TRUST_MAX_NOTES)
            BUG("a profile with more than %d notes", PROFILE_TRUST_MAX_NOTES);
        trust.notes[trust.n_notes++] = notes[k].text;
    }
    return trust;
}

bool profile_has_older_tables(const struct profile *profile)
{
    return fits(ESTIMATE_07, profile->source);
}

bool profile_has_experts(const struct profile *profile)
{
    static const char *const models[] = {"*DeepSeek*", "*Mixtral*",  "*gpt-oss*",   "*MiniMax*",
                                         "*Kimi*",     "*GLM-[45]*", "*-A[0-9]*B*", NULL};
    size_t i = 0;
    while (models[i] && !fits(models[i], profile->model))
        i++;
    return models[i] != NULL;
}

const char *profile_trust_text(size_t i)
{
    if (i < N_CHECKS)
        return checks[i].text;
    return i < N_CHECKS + N_NOTES ? notes[i - N_CHECKS].text : NULL;
}
