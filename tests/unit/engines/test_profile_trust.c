#include <ctype.h>

#include "engines/profile/profile_trust.h"
#include "tests/unit/engines/test_profile_fixture.h"

TestSuite(profile_trust, .init = fixture_begin, .fini = fixture_end);

static const char *const bundled[] = {PROJECT_DIR "/engines/data", NULL};
static const struct profile_search search = {bundled};

static struct profile_trust trust_of(const char *name)
{
    struct profile p;
    cr_assert_eq(profile_load(&p, &arena, &search, name, 0, &diag), ST_OK, "%s", diag.text);
    return profile_trust(&p);
}

static bool has_note(const struct profile_trust *trust, const char *part)
{
    for (size_t i = 0; i < trust->n_notes; i++)
        if (strstr(trust->notes[i], part))
            return true;
    return false;
}

Test(profile_trust, measured_profiles_are_measured)
{
    struct profile_trust t = trust_of("h100_sxm/vllm/Llama-3.3-70B-FP8/TP8");
    cr_expect_str_eq(t.kind, "measured");
    cr_expect(has_note(&t, "outlier") && has_note(&t, "about 7 times"));
    cr_expect_not(has_note(&t, "GPU time alone"));
    t = trust_of("h200_sxm/vllm/Llama-3.1-8B-FP8/TP1");
    cr_expect_str_eq(t.kind, "measured");
    cr_expect(has_note(&t, "1,024 sequences") && t.n_notes == 1);
}

Test(profile_trust, estimates_of_what_was_swept_were_checked)
{
    struct profile_trust t = trust_of("h100_sxm/vllm/Llama-3.3-70B-FP8/TP4-estimate");
    cr_expect_str_eq(t.kind, "estimated");
    cr_expect_not_null(strstr(t.checked, "TP2 and TP4"));
    cr_expect(has_note(&t, "GPU time alone"));
    t = trust_of("h200_sxm/vllm/Llama-3.3-70B-BF16/TP2");
    cr_expect_not_null(strstr(t.checked, "TP2 and TP4"));
    t = trust_of("h200_sxm/vllm/Llama-3.3-70B-FP8/TP8");
    cr_expect_not_null(strstr(t.checked, "25 % too slow"));
}

Test(profile_trust, other_estimates_were_not)
{
    static const char *const names[] = {
        "h100_sxm/sglang/Llama-3.3-70B-FP8/TP4", "a100_sxm/vllm/Llama-3.1-8B-BF16/TP1",
        "b200_sxm/vllm/Llama-3.3-70B-FP8/TP1", "h100_sxm/vllm/Qwen3-32B-FP8/TP1"};
    for (size_t i = 0; i < 4; i++)
        cr_expect_not_null(strstr(trust_of(names[i]).checked, "Made as those that were"), "%s",
                           names[i]);
}

Test(profile_trust, experts_are_less_certain)
{
    static const char *const names[] = {
        "h100_sxm/vllm/Mixtral-8x7B-FP8/TP2", "h200_sxm/sglang/DeepSeek-V3-FP8/TP8",
        "h100_sxm/trtllm/gpt-oss-20b-MXFP4/TP1", "gb200_sxm/trtllm/Qwen3-235B-A22B-NVFP4/TP4EP4"};
    for (size_t i = 0; i < 4; i++)
        cr_expect_not_null(strstr(trust_of(names[i]).checked, "experts"), "%s", names[i]);
    struct profile_trust t = trust_of("b200_sxm/vllm/Qwen3-235B-A22B-FP8/TP4");
    cr_expect(has_note(&t, "Suspect"));
    t = trust_of("h100_sxm/trtllm/gpt-oss-120b-MXFP4/TP1");
    cr_expect(has_note(&t, "128 tokens") && has_note(&t, "peak bandwidth"));
}

Test(profile_trust, newer_estimates_have_only_what_was_found_in_them)
{
    struct profile_trust t = trust_of("h100_sxm/vllm/Llama-3.3-70B-FP8/TP4@0.24.0");
    cr_expect_str_eq(t.kind, "estimated");
    cr_expect_not_null(strstr(t.checked, "validate_measured"));
    cr_expect(has_note(&t, "GPU time alone") && !has_note(&t, "16,000 tokens"));
    t = trust_of("h200_sxm/vllm/Qwen3-235B-A22B-FP8/TP4@0.24.0");
    cr_expect_not(has_note(&t, "Suspect"));
}

Test(profile_trust, sums_of_layers_and_files_of_unknown_origin)
{
    struct profile p = load(PROFILES "RTX4090__vllm__Llama-3.1-8B-BF16__TP1.h5", 0);
    struct profile_trust t = profile_trust(&p);
    cr_expect_str_eq(t.kind, "summed");
    cr_expect(strstr(t.checked, "2 %") && !has_note(&t, "Collectives"));
    p = load(MOE_DP2, 0);
    t = profile_trust(&p);
    cr_expect_str_eq(t.kind, "summed");
    cr_expect(strstr(t.checked, "16 %") && has_note(&t, "Collectives"));
    cr_expect_not_null(
        strstr(trust_of("rtxpro6000/vllm/Qwen3-30B-A3B-BF16/DP2EP2").checked, "5 % in TTFT"));
    p.source = "";
    t = profile_trust(&p);
    cr_expect_str_eq(t.kind, "not said");
    cr_expect_eq(t.n_notes, 0);
}

Test(profile_trust, every_bundled_profile_says_where_it_comes_from)
{
    const char *const *names;
    size_t n, n_measured = 0, n_estimated = 0, n_summed = 0;
    cr_assert_eq(profile_list(&search, &arena, &names, &n, &diag), ST_OK, "%s", diag.text);
    for (size_t i = 0; i < n; i++) {
        const char *kind = trust_of(names[i]).kind;
        n_measured += strcmp(kind, "measured") == 0;
        n_estimated += strcmp(kind, "estimated") == 0;
        n_summed += strcmp(kind, "summed") == 0;
    }
    cr_expect_eq(n_measured, 4);
    cr_expect_eq(n_estimated, 73 + 534);
    cr_expect_eq(n_summed, 5);
}

Test(profile_trust, the_documentation_holds_every_text)
{
    size_t n, kept = 0;
    char *page = (char *)slurp(PROJECT_DIR "/docs/profiles.md", &n);
    for (size_t i = 0; i < n; i++) {
        page[kept] = isspace((unsigned char)page[i]) ? ' ' : page[i];
        if (page[kept] != ' ' || kept == 0 || page[kept - 1] != ' ')
            kept++;
    }
    page[kept] = '\0';
    size_t i = 0;
    for (const char *text; (text = profile_trust_text(i)); i++)
        cr_expect_not_null(strstr(page, text), "%s", text);
    cr_expect_gt(i, 20);
}
