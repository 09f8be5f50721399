# shellcheck shell=bash
# Debian's packages of other suites and architectures, without the system's apt
# knowing of them: a configuration, lists and a status of our own.  To be sourced;
# the functions use fail() of whoever does.

# The mirror that apt uses for Debian itself, from apt's own configuration.
debian_mirror()
{
	local codename

	codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	apt-get indextargets --format '$(REPO_URI)' "Codename: $codename" 'Created-By: Packages' |
		sed -n 1p
}

# Apt's proxy settings, for programs that do not read them.
use_proxy()
{
	local proxy=
	eval "$(apt-config shell proxy Acquire::http::Proxy)"
	if [ -n "$proxy" ] && [ "$proxy" != DIRECT ]; then
		export http_proxy=$proxy
	fi
	proxy=
	eval "$(apt-config shell proxy Acquire::https::Proxy)"
	if [ -n "$proxy" ] && [ "$proxy" != DIRECT ]; then
		export https_proxy=$proxy
	fi
}

# apt_private DIRECTORY SUITE ARCHITECTURE [COMPONENT...]: from now on apt-get and apt-cache see
# that suite's components (default: main) alone, and no package as installed.  What they keep goes
# into the directory.
apt_private()
{
	local directory=$1 suite=$2 architecture=$3 components=${*:4} uri

	uri=$(debian_mirror)
	[ -n "$uri" ] || fail "apt knows no Debian mirror (is its package list there? apt-get update)"
	mkdir -p "$directory/lists/partial" "$directory/archives/partial"
	: >"$directory/status"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $suite ${components:-main}" \
		>"$directory/sources.list"
	cat >"$directory/apt.conf" <<-EOF
		APT::Architecture "$architecture";
		APT::Architectures { "$architecture"; };
		APT::Install-Recommends "false";
		APT::Sandbox::User "root";
		Acquire::Languages "none";
		Dir::Etc::sourcelist "$directory/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Dir::Etc::preferences "/dev/null";
		Dir::Etc::preferencesparts "/dev/null";
		Dir::State "$directory";
		Dir::State::lists "$directory/lists";
		Dir::State::status "$directory/status";
		Dir::Cache "$directory";
		Dir::Cache::archives "$directory/archives";
	EOF
	export APT_CONFIG=$directory/apt.conf
	apt-get update -qq >&2 || fail "cannot read the package list of Debian $suite from $uri"
}
