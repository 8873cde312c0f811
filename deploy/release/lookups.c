/* Linked into the programs of a release, and run before main: names are looked up in files, then by DNS.
 *
 * glibc asks whom /etc/nsswitch.conf names, and loads each but these two as a library of the machine: it would have to be of the very glibc
 * that the program was linked with. Another may bring the program down. */
#include <nss.h>

__attribute__((constructor)) static void lookups(void)
{
    __nss_configure_lookup("hosts", "files dns");
    __nss_configure_lookup("passwd", "files");
}
