/* SPDX-License-Identifier: GPL-2.0 */
#include "render/value.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

json_t *value_text(const char *value)
{
	const char *rest = value, *start;
	char *copy, *out;
	json_t *json;
	int32_t code;

	if (!value)
		return json_null();
	json = json_string(value);
	if (json)
		return json;
	copy = out = malloc(3 * strlen(value) + 1);
	if (!copy)
		return NULL;
	while (start = rest, (code = utf8_next(&rest)) != 0) {
		size_t length = code == UTF8_INVALID ? 3 : (size_t)(rest - start);

		memcpy(out, code == UTF8_INVALID ? "\xef\xbf\xbd" : start, length);
		out += length;
	}
	*out = 0;
	json = json_string(copy);
	free(copy);
	return json;
}

json_t *value_number(uint64_t value)
{
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

json_t *value_seconds(double value)
{
	return json_real(isfinite(value) ? value : 0);
}

void value_set(json_t *object, const char *key, json_t *value, int *error)
{
	if (json_object_set_new(object, key, value))
		*error = -ENOMEM;
}

int value_emit(FILE *out, json_t *value, size_t flags)
{
	int error = -ENOMEM;

	if (value)
		error = json_dumpf(value, out, VALUE_FLAGS | flags) ? -EIO : 0;
	json_decref(value);
	return error;
}
