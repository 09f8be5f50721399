/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The JSON document of the whole system, schema 1: what only a traced process has
 * is there and empty.
 */
#include <errno.h>

#include "render/system_render.h"
#include "render/value.h"

typedef json_t *element_fn(const struct system_view *v, size_t index);

static int put_array(FILE *out, const char *key, const struct system_view *v, size_t count,
		     element_fn *element)
{
	int error = 0;

	fprintf(out, ",\n\"%s\":[", key);
	for (size_t i = 0; i < count && !error; i++) {
		fputs(i ? ",\n" : "\n", out);
		error = value_emit(out, element(v, i), 0);
	}
	fputc(']', out);
	return error;
}

/* Names and values of numbers, into an object; NULL without memory. */
struct pair {
	const char *key;
	json_t *value;
};

static json_t *object_of(const struct pair *pairs, size_t count)
{
	json_t *object = json_object();
	int error = 0;

	for (size_t i = 0; i < count; i++)
		value_set(object, pairs[i].key, pairs[i].value, &error);
	if (!error)
		return object;
	json_decref(object);
	return NULL;
}

#define OBJECT(...)                                                                                \
	object_of((const struct pair[]){__VA_ARGS__},                                              \
		  sizeof((const struct pair[]){__VA_ARGS__}) / sizeof(struct pair))

static json_t *text_or_null(const char *text)
{
	return value_text(text && *text ? text : NULL);
}

static json_t *proc_of(const struct proc *p)
{
	return OBJECT(
	    {"pid", json_integer(p->pid)}, {"comm", value_text(p->comm)},
	    {"cmdline", text_or_null(p->cmdline)}, {"container", text_or_null(p->container)},
	    {"cgroup", text_or_null(p->cgroup ? p->cgroup->path : NULL)},
	    {"exit_code", p->exit_known ? json_integer(p->exit_code) : json_null()},
	    {"exited", json_boolean(p->ended)}, {"ppid", json_integer(p->ppid)},
	    {"uid", json_integer(p->uid)}, {"threads", json_integer(p->threads)},
	    {"start_s", value_seconds(p->start_s)}, {"end_s", value_seconds(p->end_s)},
	    {"rss_bytes", value_number(p->rss_bytes)},
	    {"rss_peak_bytes", value_number(p->rss_peak_bytes)},
	    {"anon_bytes", value_number(p->anon_bytes)},
	    {"file_bytes", value_number(p->file_bytes)},
	    {"shmem_bytes", value_number(p->shmem_bytes)},
	    {"swap_bytes", value_number(p->swap_bytes)},
	    {"mapped_bytes", value_number(p->mapped_bytes)},
	    {"page_table_bytes", value_number(p->page_table_bytes)},
	    {"hugetlb_bytes", value_number(p->hugetlb_bytes)},
	    {"minor_faults", value_number(p->minor)}, {"major_faults", value_number(p->major)},
	    {"growth_bytes", json_integer(p->growth_bytes)},
	    {"growth_per_s", value_seconds(p->rates.bytes)},
	    {"minor_per_s", value_seconds(p->rates.minor)},
	    {"major_per_s", value_seconds(p->rates.major)},
	    {"oom_score", json_integer(p->oom_score)},
	    {"oom_score_adj", json_integer(p->oom_score_adj)}, {"layers", json_null()});
}

static json_t *process_element(const struct system_view *v, size_t i)
{
	return proc_of(i < v->running_count ? &v->running[i] : &v->ended[i - v->running_count]);
}

static json_t *container_element(const struct system_view *v, size_t i)
{
	const struct cgroup *g = v->cgroups[i];

	return OBJECT({"path", value_text(g->path)}, {"container", value_text(g->container)},
		      {"version", json_integer(g->v1 ? 1 : 2)},
		      {"processes", json_integer(g->processes)},
		      {"rss_bytes", value_number(g->rss_bytes)},
		      {"usage_bytes", g->memory ? value_number(g->usage_bytes) : json_null()},
		      {"limit_bytes", value_number(g->limit_bytes)},
		      {"peak_bytes", value_number(g->peak_bytes)},
		      {"limit_hits", value_number(g->limit_hits)}, {"ooms", value_number(g->ooms)},
		      {"oom_kills", value_number(g->oom_kills)},
		      {"growth_bytes", json_integer(g->growth_bytes)},
		      {"growth_per_s", value_seconds(g->rates.bytes)});
}

static json_t *group_element(const struct system_view *v, size_t i)
{
	const struct group *g = &v->groups[i];

	return OBJECT({"comm", value_text(g->comm)}, {"parent", text_or_null(g->parent)},
		      {"ppid", json_integer(g->ppid)}, {"count", value_number(g->count)},
		      {"failed", value_number(g->failed)},
		      {"peak_bytes", value_number(g->peak_sum_bytes / g->count)},
		      {"peak_max_bytes", value_number(g->peak_max_bytes)},
		      {"life_s", value_seconds(g->life_sum_s / (double)g->count)},
		      {"life_max_s", value_seconds(g->life_max_s)},
		      {"minor_faults", value_number(g->minor)},
		      {"major_faults", value_number(g->major)});
}

/* As of a traced process, of which more is known. */
static json_t *kill_element(const struct system_view *v, size_t i)
{
	const struct kill *k = &v->kills[i];

	return OBJECT({"pid", json_integer(k->pid)}, {"comm", value_text(k->comm)},
		      {"at_s", value_seconds(k->at_s)}, {"rss_bytes", value_number(k->rss_bytes)},
		      {"anon_bytes", value_number(k->anon_bytes)},
		      {"file_bytes", value_number(k->file_bytes)},
		      {"shmem_bytes", value_number(k->shmem_bytes)},
		      {"swap_bytes", value_number(k->swap_bytes)},
		      {"page_table_bytes", value_number(k->page_table_bytes)},
		      {"mapped_bytes", value_number(k->mapped_bytes)},
		      {"oom_score_adj", json_integer(k->oom_score_adj)},
		      {"cgroup", value_text(k->cgroup)},
		      {"limit_bytes", value_number(k->limit_bytes)}, {"held_bytes", json_null()},
		      {"growth_s", json_null()}, {"stacks", json_array()});
}

static json_t *percent(const double values[3])
{
	return OBJECT({"avg10", value_seconds(values[0])}, {"avg60", value_seconds(values[1])},
		      {"avg300", value_seconds(values[2])});
}

static json_t *pressure_of(const struct pressure *p)
{
	return p->known ? OBJECT({"some", percent(p->some)}, {"full", percent(p->full)})
			: json_null();
}

static json_t *system_of(const struct system_view *v)
{
	json_t *system = json_object();
	int error = 0;

	for (size_t i = 0; i < MEMINFO_ROWS; i++)
		value_set(system, meminfo_rows[i].key,
			  value_number(meminfo_value(&v->memory, &meminfo_rows[i])), &error);
	value_set(system, "pressure", pressure_of(&v->pressure), &error);
	value_set(system, "interval_s", value_seconds(v->interval_s), &error);
	value_set(system, "refreshes", value_number(v->refreshes), &error);
	value_set(system, "refresh_s", value_seconds(v->refresh_s), &error);
	if (!error)
		return system;
	json_decref(system);
	return NULL;
}

static json_t *lost_of(const struct system_view *v)
{
	json_t *lost = json_object();
	int error = 0;

	for (size_t i = 0; i < v->loss_count; i++)
		value_set(lost, v->losses[i].name, value_number(v->losses[i].count), &error);
	if (!error)
		return lost;
	json_decref(lost);
	return NULL;
}

int render_system_json(FILE *out, const struct system_view *v)
{
	const struct {
		const char *key;
		size_t count;
		element_fn *element;
	} arrays[] = {
	    {"processes", v->running_count + v->ended_count, process_element},
	    {"containers", v->cgroup_count, container_element},
	    {"short_lived", v->group_count, group_element},
	    {"ooms", v->kill_count, kill_element},
	    {"failures", 0, NULL},
	    {"limits", 0, NULL},
	    {"stacks", 0, NULL},
	    {"frames", 0, NULL},
	    {"timeline", 0, NULL},
	    {"stages", 0, NULL},
	    {"categories", 0, NULL},
	    {"insights", 0, NULL},
	    {"notes", 0, NULL},
	};
	int error;

	fputc('{', out);
	error = value_emit(out,
			   json_pack("{s:i,s:s,s:s,s:o}", "schema", 1, "tool",
				     "memsnoop " MEMSNOOP_VERSION, "title", "the whole system",
				     "duration_s", value_seconds(v->duration_s)),
			   JSON_EMBED);
	fputs(",\n\"system\":", out);
	if (!error)
		error = value_emit(out, system_of(v), 0);
	for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]) && !error; i++)
		error = put_array(out, arrays[i].key, v, arrays[i].count, arrays[i].element);
	fputs(",\n\"lost\":", out);
	if (!error)
		error = value_emit(out, lost_of(v), 0);
	fputs("}\n", out);
	if (!error && ferror(out))
		error = -EIO;
	return error;
}
