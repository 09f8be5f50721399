/* SPDX-License-Identifier: GPL-2.0 */
/* Files that are no ELF files, of other machines, broken, or made to be expensive. */
#include "probe_files.h"

static void check_refused(const char *path, const char *says)
{
	struct elf_file file;
	char errbuf[200], tiny[4];

	assert_int_equal(scan_as(path, path, &table, &file, errbuf, sizeof(errbuf)), -ENOEXEC);
	if (!strstr(errbuf, says))
		fail_msg("%s says: %s", path, errbuf);
	assert_null(strchr(errbuf, '\n'));
	assert_null(file.hits);
	assert_int_equal(scan_as(path, path, &table, &file, tiny, sizeof(tiny)), -ENOEXEC);
	assert_int_equal(scan_as(path, path, &table, &file, NULL, 0), -ENOEXEC);
}

static void test_no_elf(void **state)
{
	(void)state;
	write_text("text", "#!/bin/sh\necho hello\n");
	write_text("empty", "");
	write_text("magic", "\177ELF");
	write_text("object.c", "int x;\n");
	assert_int_equal(run("cc -c object.c && ar rc archive.a object.o"), 0);
	assert_int_equal(mkfifo(in_dir("fifo"), 0600), 0);
	check_refused(in_dir("text"), "not an ELF file");
	check_refused(in_dir("empty"), "not an ELF file");
	check_refused(in_dir("magic"), "");
	check_refused(in_dir("object.o"), "neither a program nor a library");
	check_refused(in_dir("archive.a"), "not an ELF file");
	check_refused(in_dir("fifo"), "not a regular file");
	check_refused(dir, "not a regular file");
	check_refused("/dev/null", "not a regular file");
}

/* A 32-bit file, made by hand: what it is is told, and it has no hits. */
static void test_32_bit(void **state)
{
	struct {
		Elf32_Ehdr header;
		Elf32_Phdr segments[2];
		char interp[16];
	} small = {.header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
			      .e_type = ET_EXEC,
			      .e_machine = EM_386,
			      .e_version = EV_CURRENT,
			      .e_entry = 0x8048000,
			      .e_phoff = sizeof(Elf32_Ehdr),
			      .e_ehsize = sizeof(Elf32_Ehdr),
			      .e_phentsize = sizeof(Elf32_Phdr),
			      .e_phnum = 2},
		   .segments = {{.p_type = PT_LOAD,
				 .p_flags = PF_R | PF_X,
				 .p_offset = 0x10,
				 .p_vaddr = 0x8048000,
				 .p_filesz = 0x20,
				 .p_memsz = 0x20},
				{.p_type = PT_INTERP, .p_offset = offsetof(typeof(small), interp)}},
		   .interp = "/lib/ld-32.so.1"};
	struct elf_file file;

	(void)state;
	small.segments[1].p_filesz = sizeof(small.interp);
	write_file(in_dir("small"), &small, sizeof(small));
	file = scan(in_dir("small"));
	assert_int_equal(file.bits, 32);
	assert_int_equal(file.machine, EM_386);
	assert_int_equal(file.entry, 0x10);
	assert_string_equal(file.interp, "/lib/ld-32.so.1");
	assert_int_equal(file.hit_count, 0);
	elf_free(&file);
}

struct bytes {
	uint8_t *data;
	size_t size;
};

static struct bytes read_file(const char *path)
{
	struct bytes bytes = {0};
	struct stat st;
	FILE *f = fopen(path, "re");

	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &st), 0);
	bytes.size = st.st_size;
	bytes.data = malloc(bytes.size);
	assert_non_null(bytes.data);
	assert_int_equal(fread(bytes.data, 1, bytes.size, f), bytes.size);
	fclose(f);
	return bytes;
}

/* A library with all that is read: both symbol tables, jumps, versions. */
static struct bytes sample(void)
{
	write_text("sample.c",
		   "#include \"f.h\"\nvoid free(void *);\nF(malloc) F(calloc) F(je_free)\n"
		   "void _ZdlPv(void *p) { free(p); }\n"
		   "int main(void) { return 0; }\n");
	assert_int_equal(run("cc -O2 -fno-builtin -w -pie -fPIE -rdynamic -o sample sample.c"), 0);
	return read_file(in_dir("sample"));
}

static void test_other_machine(void **state)
{
	struct bytes bytes = sample();
	Elf64_Ehdr *header = (Elf64_Ehdr *)bytes.data;
	struct elf_file file;

	(void)state;
	header->e_machine = EM_AARCH64;
	write_file(in_dir("arm64"), bytes.data, bytes.size);
	file = scan(in_dir("arm64"));
	assert_int_equal(file.machine, EM_AARCH64);
	assert_true(file.hit_count >= 3);
	for (size_t i = 0; i < file.hit_count; i++)
		assert_int_equal(file.hits[i].offset, file.hits[i].function);
	elf_free(&file);

	header->e_machine = EM_RISCV;
	write_file(in_dir("riscv"), bytes.data, bytes.size);
	file = scan(in_dir("riscv"));
	assert_int_equal(file.machine, EM_RISCV);
	assert_int_equal(file.bits, 64);
	assert_true(file.entry != 0 && file.interp[0]);
	assert_int_equal(file.hit_count, 0);
	elf_free(&file);
	free(bytes.data);
}

/* Scans bytes as a file; whatever they are, the answer is one of the documented ones. */
static void check_harmless(const void *data, size_t size)
{
	int fd = memfd_create("broken", MFD_CLOEXEC);
	struct elf_file file;
	char errbuf[80] = "";
	int err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	err = elf_scan(fd, "broken", &table, &file, errbuf, sizeof(errbuf));
	assert_true(err == 0 || (err == -ENOEXEC && errbuf[0] && !strchr(errbuf, '\n')));
	if (err == 0) {
		check_hits(&file, size);
		assert_true(file.entry <= size);
		assert_non_null(memchr(file.interp, '\0', sizeof(file.interp)));
		elf_free(&file);
	}
	close(fd);
}

static void test_truncated(void **state)
{
	struct bytes bytes = sample();

	(void)state;
	for (size_t size = 0; size < bytes.size; size += size < 1024 ? 1 : 97)
		check_harmless(bytes.data, size);
	free(bytes.data);
}

/* Where the parts of a file that say where other parts are begin and end. */
static size_t choose_byte(const struct bytes *bytes)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)bytes->data;
	size_t sections = header->e_shnum * sizeof(Elf64_Shdr);

	switch (rand() % 4) {
	case 0: /* the headers */
		return rand() % (sizeof(Elf64_Ehdr) + header->e_phnum * sizeof(Elf64_Phdr));
	case 1: /* the section headers */
		return header->e_shoff + rand() % sections;
	case 2: /* the dynamic symbols and strings, which linkers put in front */
		return rand() % 4096;
	default:
		return rand() % bytes->size;
	}
}

static void test_flipped(void **state)
{
	static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
	struct bytes bytes = sample(), copy = {malloc(bytes.size), bytes.size};

	(void)state;
	assert_non_null(copy.data);
	srand(5);
	for (int variant = 0; variant < 3000; variant++) {
		memcpy(copy.data, bytes.data, bytes.size);
		for (int flips = 1 + rand() % 6; flips > 0; flips--) {
			size_t at = choose_byte(&bytes);

			assert_true(at < bytes.size);
			if (rand() % 2)
				copy.data[at] ^= 1u << rand() % 8;
			else
				copy.data[at] = values[rand() % COUNT(values)];
		}
		check_harmless(copy.data, copy.size);
	}
	free(copy.data);
	free(bytes.data);
}

/* Tables that overlap everything, or claim to be huge, in a file with holes. */
static void test_huge_tables(void **state)
{
	struct bytes bytes = sample();
	Elf64_Ehdr *header = (Elf64_Ehdr *)bytes.data;
	Elf64_Shdr *sections = (Elf64_Shdr *)(bytes.data + header->e_shoff);
	struct elf_file file;
	char errbuf[200];

	(void)state;
	for (uint64_t size = bytes.size; size <= 1ULL << 40; size <<= 4) {
		for (int i = 0; i < header->e_shnum; i++)
			if (sections[i].sh_type == SHT_DYNSYM || sections[i].sh_type == SHT_STRTAB)
				sections[i].sh_size = size;
		write_file(in_dir("huge"), bytes.data, bytes.size);
		check_refused(in_dir("huge"), "its symbol table is broken or too large");
	}
	assert_int_equal(truncate(in_dir("huge"), 1LL << 41), 0);
	assert_int_equal(scan_as(in_dir("huge"), "huge", &table, &file, errbuf, sizeof(errbuf)),
			 -ENOEXEC);
	assert_non_null(strstr(errbuf, "too large"));
	unlink(in_dir("huge"));
	free(bytes.data);
}

/* A file made by hand: `count` functions of one name, each `size` bytes, beginning with `code`. */
static int scan_made(size_t count, uint64_t size, const char *code, struct elf_file *file,
		     char *errbuf, size_t errlen)
{
	static const char strings[16] = "\0malloc";
	static struct {
		Elf64_Ehdr header;
		Elf64_Phdr segment;
		Elf64_Shdr sections[3];
		char strings[16];
		Elf64_Sym symbols[3000];
		uint8_t code[3000 * 16];
	} made;
	int fd = memfd_create("made", MFD_CLOEXEC), err;

	assert_true(fd >= 0);
	memset(&made, 0, sizeof(made));
	made.header =
	    (Elf64_Ehdr){.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
			 .e_type = ET_DYN,
			 .e_machine = EM_X86_64,
			 .e_version = EV_CURRENT,
			 .e_phoff = offsetof(typeof(made), segment),
			 .e_shoff = offsetof(typeof(made), sections),
			 .e_ehsize = sizeof(Elf64_Ehdr),
			 .e_phentsize = sizeof(Elf64_Phdr),
			 .e_phnum = 1,
			 .e_shentsize = sizeof(Elf64_Shdr),
			 .e_shnum = 3};
	made.segment = (Elf64_Phdr){.p_type = PT_LOAD,
				    .p_flags = PF_R | PF_X,
				    .p_offset = offsetof(typeof(made), code),
				    .p_vaddr = 0x10000,
				    .p_filesz = sizeof(made.code),
				    .p_memsz = sizeof(made.code)};
	made.sections[1] = (Elf64_Shdr){.sh_type = SHT_SYMTAB,
					.sh_offset = offsetof(typeof(made), symbols),
					.sh_size = count * sizeof(Elf64_Sym),
					.sh_link = 2,
					.sh_entsize = sizeof(Elf64_Sym)};
	made.sections[2] = (Elf64_Shdr){.sh_type = SHT_STRTAB,
					.sh_offset = offsetof(typeof(made), strings),
					.sh_size = sizeof(made.strings)};
	memcpy(made.strings, strings, sizeof(strings));
	memset(made.code, 0x90, sizeof(made.code));
	for (size_t i = 0; i < count; i++) {
		made.symbols[i] = (Elf64_Sym){.st_name = 1,
					      .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
					      .st_shndx = 1,
					      .st_value = 0x10000 + 16 * i,
					      .st_size = size};
		memcpy(made.code + 16 * i, code, strlen(code));
	}
	assert_int_equal(write(fd, &made, sizeof(made)), sizeof(made));
	err = elf_scan(fd, "made", &table, file, errbuf, errlen);
	close(fd);
	return err;
}

/* Functions without number are refused; large ones that overlap are not all searched. */
static void test_work_is_bounded(void **state)
{
	struct elf_file file;
	char errbuf[200];

	(void)state;
	assert_int_equal(scan_made(3000, 16, "\x55\x5d\xc3", &file, errbuf, sizeof(errbuf)),
			 -ENOEXEC);
	assert_non_null(strstr(errbuf, "by the thousand"));
	assert_int_equal(scan_made(500, 16, "\xf3\x0f\x1e\xfa\x55", &file, errbuf, sizeof(errbuf)),
			 0);
	assert_int_equal(file.hit_count, 500);
	for (size_t i = 0; i < file.hit_count; i++)
		assert_true(file.hits[i].emulated);
	elf_free(&file);
	assert_int_equal(
	    scan_made(500, 16000, "\xf3\x0f\x1e\xfa\x55", &file, errbuf, sizeof(errbuf)), 0);
	assert_int_equal(file.hit_count, 500);
	assert_true(file.hits[0].emulated);
	assert_false(file.hits[499].emulated);
	assert_int_equal(file.hits[499].offset, file.hits[499].function);
	elf_free(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_no_elf),          cmocka_unit_test(test_32_bit),
	    cmocka_unit_test(test_other_machine),   cmocka_unit_test(test_truncated),
	    cmocka_unit_test(test_flipped),         cmocka_unit_test(test_huge_tables),
	    cmocka_unit_test(test_work_is_bounded),
	};

	return cmocka_run_group_tests_name("probe hostile files", tests, group_setup,
					   group_teardown);
}
