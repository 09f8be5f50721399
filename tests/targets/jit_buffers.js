// Buffers of one size, from functions that call each other; each is one allocation.
'use strict';
const kept = [];

function innerAllocate(size) {
	kept.push(Buffer.allocUnsafeSlow(size));
}

function middleStep(size) {
	innerAllocate(size);
	return size;
}

function outerLoop(count, size) {
	for (let i = 0; i < count; i++)
		middleStep(size);
}

outerLoop(Number(process.argv[2]), Number(process.argv[3]));
