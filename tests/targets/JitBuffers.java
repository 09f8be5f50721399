/* Direct buffers of one size, from methods that call each other; each is one allocation. */
public class JitBuffers {
	static Object[] kept = new Object[64];

	static void innerAllocate(int i, int size) {
		kept[i % kept.length] = java.nio.ByteBuffer.allocateDirect(size);
	}

	static int middleStep(int i, int size) {
		innerAllocate(i, size);
		return i;
	}

	static void outerLoop(int count, int size) {
		for (int i = 0; i < count; i++)
			middleStep(i, size);
	}

	public static void main(String[] arguments) {
		int count = Integer.parseInt(arguments[0]), size = Integer.parseInt(arguments[1]);

		for (int i = 0; i < count; i += 100)
			outerLoop(100, size);
	}
}
