/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A training on the double of libtorch_cpu.so, whose model, gradients and optimizer state are there
 * before it says that it is ready; then it steps until a file says that it is enough.  Its
 * ledger, $LEDGER/steps.json, says what is what.
 */
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include "autograd.h"
extern "C" {
#include "c10.h"
}

using namespace torch::autograd;

constexpr std::size_t PARAMETERS = 3;
constexpr useconds_t PACE_US = 20000;

static std::string ledger(const std::string &name)
{
	return std::string(std::getenv("LEDGER")) + "/" + name;
}

static at::Tensor tensor(std::size_t bytes)
{
	auto *storage = new c10::StorageImpl;
	auto *impl = new c10::TensorImpl;

	storage->data = std::malloc(bytes);
	storage->bytes = bytes;
	impl->storage = storage;
	return {impl};
}

/* What an optimizer has of each parameter, as AdamW with amsgrad. */
struct Model {
	std::vector<at::Tensor> parameters, gradients, averages, squares, most, steps;
	std::vector<std::shared_ptr<AccumulateGrad>> nodes;
};

/* The name is longer than what a string keeps within itself. */
static void add(Model &model, std::size_t bytes, const std::string &name)
{
	auto *meta = new AutogradMeta;
	auto node = std::make_shared<AccumulateGrad>();
	at::Tensor parameter = tensor(bytes);

	model.gradients.push_back(tensor(bytes));
	meta->name = name;
	meta->grad = model.gradients.back();
	meta->grad_accumulator = node;
	parameter.impl->meta = meta;
	node->variable = parameter;
	model.parameters.push_back(parameter);
	model.nodes.push_back(node);
	model.averages.push_back(tensor(bytes));
	model.squares.push_back(tensor(bytes));
	model.most.push_back(tensor(bytes));
	model.steps.push_back(tensor(4));
}

static at::_ops::_fused_adamw_::list list(const std::vector<at::Tensor> &tensors)
{
	return {tensors.data(), tensors.size()};
}

/* The optimizer's own, changed one by one; inside a step that is its business. */
static void scale(std::vector<at::Tensor> &tensors)
{
	for (at::Tensor &one : tensors)
		at::_ops::mul__Tensor::call(one, one);
}

static void train(Model &model, std::vector<at::Tensor> &own, std::vector<at::Tensor> &foreign)
{
	void *temporary;

	for (auto &node : model.nodes)
		node->apply({});
	scale(foreign);
	auto record = profiler::record_function_enter_new("Optimizer.step#AdamW.step",
							  c10::optional<std::string>());
	temporary = std::malloc(5000);
	c10_reporter_new(nullptr, temporary, 5000);
	at::_ops::_fused_adamw_::call(list(model.parameters), list(model.gradients),
				      list(model.averages), list(model.squares), list(model.most),
				      list(model.steps), 1, 1, 1, 1, 1, true, false, {}, {});
	scale(own);
	c10_reporter_delete(nullptr, temporary);
	std::free(temporary);
	record->end();
}

static void touch(const std::string &path, const char *text)
{
	FILE *out = std::fopen(path.c_str(), "w");

	if (!out || std::fputs(text, out) < 0 || std::fclose(out))
		std::abort();
}

int main()
{
	std::vector<at::Tensor> own = {tensor(700)}, foreign = {tensor(800)};
	std::size_t bytes = 0, steps = 0;
	char text[256];
	Model model;

	for (std::size_t i = 1; i <= PARAMETERS; i++) {
		add(model, 1000 * i, i % 2 ? "" : "layer.of.a.long.name.weight");
		bytes += 1000 * i;
	}
	touch(ledger("ready." + std::to_string(getpid())), "ready");
	for (; access(ledger("enough").c_str(), F_OK); steps++) {
		train(model, own, foreign);
		usleep(PACE_US);
	}
	std::snprintf(text, sizeof(text),
		      "{\"parameters\":%zu,\"gradients\":%zu,\"state\":%zu,\"steps\":%zu}\n", bytes,
		      bytes, 3 * bytes + 4 * PARAMETERS + 700, steps);
	touch(ledger("steps.json"), text);
	return 0;
}
